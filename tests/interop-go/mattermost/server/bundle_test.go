package server

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pack writes a bundle.
func pack(t *testing.T, entries ...tar.Header) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.tar.gz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped := gzip.NewWriter(file)
	defer zipped.Close()
	archive := tar.NewWriter(zipped)
	defer archive.Close()
	for _, entry := range entries {
		content := entry.Name
		if entry.Typeflag == tar.TypeReg {
			entry.Size = int64(len(content))
		}
		if err := archive.WriteHeader(&entry); err != nil {
			t.Fatal(err)
		}
		if entry.Typeflag == tar.TypeReg {
			if _, err := archive.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return path
}

func TestOnlyFoldersAndFilesAreUnpacked(t *testing.T) {
	path := pack(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "id/", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeReg, Name: "id/server/plugin", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "id/link", Linkname: "server/plugin"},
		tar.Header{Typeflag: tar.TypeLink, Name: "id/hard", Linkname: "id/server/plugin"},
	)
	folder, err := Unpack(path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(folder) != "id" {
		t.Errorf("the only folder was not entered: %s", folder)
	}
	info, err := os.Stat(filepath.Join(folder, "server", "plugin"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	for _, name := range []string{"link", "hard"} {
		if _, err := os.Lstat(filepath.Join(folder, name)); err == nil {
			t.Errorf("%s was unpacked", name)
		}
	}
}

func TestABundleStaysInItsFolder(t *testing.T) {
	path := pack(t, tar.Header{Typeflag: tar.TypeReg, Name: "../outside", Mode: 0o644})
	if _, err := Unpack(path, t.TempDir()); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Error(err)
	}
}

// scripted makes a folder whose executable is a shell script.
func scripted(t *testing.T, script string) string {
	t.Helper()
	folder := t.TempDir()
	manifest := "id: script\nserver:\n  executable: plugin.sh\n"
	if err := os.WriteFile(filepath.Join(folder, "plugin.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	// Nobody can start a file that somebody has open for writing, such as a child that another test forks off meanwhile, until its exec.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(filepath.Join(folder, "plugin.sh"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestPluginsThatDoNotStart(t *testing.T) {
	for name, it := range map[string]struct{ script, want string }{
		"too late":     {"exec sleep 10", "timeout"},
		"no handshake": {"echo hello; exec sleep 10", "handshake"},
		"exits":        {"exit 3", "any lines"},
		"cookie":       {"test \"$MATTERMOST_PLUGIN\" = 'Securely message teams, anywhere.' || exec sleep 10; exit 3", "any lines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			_, err := Start(Options{Folder: scripted(t, it.script), API: NewRecorder().API(), Log: func(Record) {}})
			if err == nil || !strings.Contains(err.Error(), it.want) {
				t.Errorf("%v", err)
			}
			if taken := time.Since(begin); taken > 8*time.Second {
				t.Errorf("it took %s", taken)
			}
		})
	}
}
