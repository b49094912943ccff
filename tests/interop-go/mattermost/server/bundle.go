// Package server is a miniature of what Mattermost does with a plugin: it unpacks a bundle, starts the executable through
// go-plugin, offers it an API that records, calls its hooks, and stops it.
package server

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"gopkg.in/yaml.v3"
)

// Manifest is what the server needs to know of a bundle.
type Manifest struct {
	ID     string `yaml:"id"`
	Server struct {
		Executables map[string]string `yaml:"executables"`
		Executable  string            `yaml:"executable"`
	} `yaml:"server"`
}

// Unpack extracts a bundle below folder and gives the plugin's own folder. Of its entries only directories and regular
// files are kept, as the server does.
func Unpack(bundle, folder string) (string, error) {
	file, err := os.Open(bundle)
	if err != nil {
		return "", err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return "", fmt.Errorf("%s is no bundle: %w", bundle, err)
	}
	entries := tar.NewReader(plain)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return root(folder)
		}
		if err != nil {
			return "", err
		}
		if err := extract(entry, entries, folder); err != nil {
			return "", err
		}
	}
}

func extract(entry *tar.Header, content io.Reader, folder string) error {
	if !filepath.IsLocal(filepath.FromSlash(entry.Name)) {
		return fmt.Errorf("the bundle holds %q, which is outside of it", entry.Name)
	}
	path := filepath.Join(folder, filepath.FromSlash(entry.Name))
	switch entry.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(path, 0o744)
	case tar.TypeReg:
		if err := os.MkdirAll(filepath.Dir(path), 0o744); err != nil {
			return err
		}
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, os.FileMode(entry.Mode).Perm())
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return errors.Join(err, file.Close())
	default:
		return nil
	}
}

// root enters the only folder of a bundle that holds nothing else.
func root(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	if len(entries) == 1 && entries[0].IsDir() {
		return filepath.Join(folder, entries[0].Name()), nil
	}
	return folder, nil
}

// ReadManifest finds the manifest of an unpacked bundle.
func ReadManifest(folder string) (*Manifest, error) {
	for _, name := range []string{"plugin.yml", "plugin.yaml", "plugin.json"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		manifest := &Manifest{}
		if err := yaml.Unmarshal(text, manifest); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		manifest.ID = strings.ToLower(manifest.ID)
		return manifest, nil
	}
	return nil, fmt.Errorf("%s holds no manifest", folder)
}

// Program is the file that the server runs for a plugin on this machine.
func (m *Manifest) Program(folder string) (string, error) {
	name := m.Server.Executables[runtime.GOOS+"-"+runtime.GOARCH]
	if name == "" {
		name = m.Server.Executable
	}
	if name == "" {
		return "", fmt.Errorf("the manifest names no executable for %s-%s", runtime.GOOS, runtime.GOARCH)
	}
	name = filepath.Clean(name)
	if strings.HasPrefix(name, "..") {
		return "", fmt.Errorf("the executable %q is outside of the bundle", name)
	}
	return filepath.Join(folder, name), nil
}
