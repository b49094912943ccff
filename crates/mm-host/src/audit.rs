//! `mm-host audit`: what a bundle or a plugin's folder may do, for somebody who decides whether to install it. Runs nothing of it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use mm_proto::{API_METHODS, PERMISSIONS, SERVICE_PERMISSIONS};
use serde::Serialize;

use crate::check::{Finding, Tree, one_line};
use crate::manifest::{FILE_NAMES, Manifest, ProcessLimits, SandboxLevel};

/// What a plugin may do.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// The plugin's id, name and version, from its manifest.
    pub id: String,
    pub name: String,
    pub version: String,
    pub min_server_version: String,
    /// What a server, or the host, starts.
    pub programs: Vec<Program>,
    /// Which Python it wants; "" for any, or for a plugin in another language.
    pub python_version: String,
    /// Whether the manifest has no list of permissions: the plugin may call everything.
    pub all_permissions: bool,
    /// The permissions it has, with what is behind each.
    pub permissions: Vec<Permission>,
    /// Methods that every plugin may call.
    pub always_allowed: Vec<&'static str>,
    /// What its process may use of the machine; what is not there is not limited.
    pub limits: ProcessLimits,
    /// What its process may do with files.
    pub sandbox: SandboxLevel,
    /// The web application's file, which runs in every user's client; "" without one.
    pub webapp: String,
    /// Packages that it brings along, as `name version`.
    pub dependencies: Vec<String>,
    /// Compiled libraries among its files.
    pub native_libraries: Vec<String>,
    /// What is wrong with its files.
    pub findings: Vec<String>,
}

/// Something that is started.
#[derive(Clone, Debug, Serialize)]
pub struct Program {
    /// The platform, such as `linux-amd64`; "" for every one.
    pub platform: String,
    /// The command.
    pub command: Vec<String>,
    /// Who starts it: `server` or `host`.
    pub started_by: &'static str,
}

/// A permission that the plugin has.
#[derive(Clone, Debug, Serialize)]
pub struct Permission {
    /// `posts.write`
    pub name: &'static str,
    /// What it lets a plugin do.
    pub means: &'static str,
    /// Go names of the methods behind it.
    pub methods: Vec<&'static str>,
    /// Services of the host behind it.
    pub services: Vec<&'static str>,
}

/// Looks at a bundle's file, an unpacked bundle, or a plugin's folder.
///
/// # Errors
/// Why nothing can be said of it.
pub fn run(path: &Path) -> Result<Audit, Vec<Finding>> {
    let tree = if path.is_dir() {
        let read = match Manifest::load(path) {
            Ok((manifest, _)) if !manifest.is_bundled() => Tree::plugin(path, &manifest),
            _ => Tree::unpacked(path),
        };
        read.map_err(|error| vec![Finding::error(&path.display().to_string(), &format!("cannot be read: {error}"))])?
    } else {
        Tree::archive(path).map_err(|it| vec![it])?
    };
    let Some(name) = FILE_NAMES.into_iter().find(|it| tree.files.contains_key(*it)) else {
        let mut findings = tree.findings;
        findings.push(Finding::error("", "there is no plugin.json in it: this is no plugin"));
        return Err(findings);
    };
    let text = String::from_utf8_lossy(&tree.files[name].head);
    let manifest = Manifest::parse(Path::new(name), &text)
        .map_err(|error| [tree.findings.clone(), vec![Finding::error("", &error.to_string())]].concat())?;
    Ok(audit(&manifest, &tree))
}

fn audit(manifest: &Manifest, tree: &Tree) -> Audit {
    let has = |permission: &str| manifest.permissions.as_ref().is_none_or(|it| it.iter().any(|it| it == permission));
    let permissions = PERMISSIONS.iter().filter(|it| has(it.name)).map(|it| Permission {
        name: it.name,
        means: it.doc,
        methods: API_METHODS.iter().filter(|row| row.permission == Some(it.name)).map(|row| row.go).collect(),
        services: SERVICE_PERMISSIONS.iter().filter(|(_, needed)| *needed == it.name).map(|(name, _)| *name).collect(),
    });
    let python = manifest.python();
    let library = |it: &&String| it.ends_with(".so") || it.contains(".so.");
    Audit {
        id: manifest.id.clone(),
        name: one_line(&manifest.name),
        version: manifest.version.clone(),
        min_server_version: manifest.min_server_version.clone(),
        programs: programs(manifest, tree),
        python_version: if manifest.command().is_some() { String::new() } else { manifest.python_version().to_owned() },
        all_permissions: manifest.permissions.is_none(),
        permissions: permissions.collect(),
        always_allowed: API_METHODS.iter().filter(|it| it.permission.is_none()).map(|it| it.go).collect(),
        limits: python.limits,
        sandbox: python.sandbox,
        webapp: manifest.webapp.as_ref().map(|it| one_line(&it.bundle_path)).unwrap_or_default(),
        dependencies: dependencies(tree),
        native_libraries: tree.files.keys().filter(library).cloned().collect(),
        findings: tree.findings.iter().map(ToString::to_string).collect(),
    }
}

/// What a server starts, and what the host starts then.
fn programs(manifest: &Manifest, tree: &Tree) -> Vec<Program> {
    let executables = manifest.server.as_ref().map(|it| &it.executables).into_iter().flatten();
    let mut programs: Vec<Program> = executables
        .map(|(platform, path)| Program {
            platform: one_line(platform),
            command: vec![one_line(path)],
            started_by: "server",
        })
        .collect();
    let interpreter = tree.files.keys().any(|it| it.contains("/python/bin/python"));
    let command = match manifest.command() {
        Some(words) => words.iter().map(|it| one_line(it)).collect(),
        None => {
            let python = if interpreter { "the bundle's python" } else { "the server's python3" };
            vec![python.to_owned(), one_line(manifest.entry().unwrap_or_default())]
        }
    };
    programs.push(Program { platform: String::new(), command, started_by: "host" });
    programs
}

/// The packages whose descriptions lie in the bundle: `packages/NAME-VERSION.dist-info`.
fn dependencies(tree: &Tree) -> Vec<String> {
    let folders = tree.files.keys().filter_map(|it| it.split_once(".dist-info/"));
    let names = folders.filter_map(|(folder, _)| folder.rsplit('/').next()?.rsplit_once('-'));
    let names: BTreeSet<String> = names.map(|(name, version)| format!("{name} {version}")).collect();
    names.into_iter().collect()
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} ({})", self.name, self.version, self.id)?;
        if !self.min_server_version.is_empty() {
            writeln!(f, "for servers from {} on", self.min_server_version)?;
        }
        writeln!(f, "\nstarts")?;
        for program in &self.programs {
            let platform =
                if program.platform.is_empty() { String::new() } else { format!(" on {}", program.platform) };
            writeln!(f, "  {} (by the {}{platform})", program.command.join(" "), program.started_by)?;
        }
        if !self.python_version.is_empty() {
            writeln!(f, "  Python {}", self.python_version)?;
        }
        if !self.webapp.is_empty() {
            writeln!(f, "  {} (in every user's client)", self.webapp)?;
        }
        self.write_permissions(f)?;
        self.write_process(f)?;
        write_list(f, "packages", &self.dependencies)?;
        write_list(f, "compiled libraries", &self.native_libraries)?;
        write_list(f, "wrong with its files", &self.findings)
    }
}

impl Audit {
    fn write_permissions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.all_permissions {
            writeln!(f, "\nmay call everything: its manifest lists no permissions")?;
        } else if self.permissions.is_empty() {
            writeln!(f, "\nhas no permissions")?;
        } else {
            writeln!(f, "\npermissions")?;
        }
        for permission in &self.permissions {
            writeln!(f, "  {}: {}", permission.name, permission.means)?;
            let behind = [permission.methods.as_slice(), permission.services.as_slice()].concat();
            writeln!(f, "    {}", behind.join(", "))?;
        }
        writeln!(f, "  always allowed: {}", self.always_allowed.join(", "))
    }

    fn write_process(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nits process")?;
        let files = match self.sandbox {
            SandboxLevel::Off => "may change every file that the server may (no sandbox)",
            SandboxLevel::Files => {
                "may change no file but in a temporary folder of its own, where the kernel has Landlock"
            }
        };
        writeln!(f, "  {files}")?;
        let limits = &self.limits;
        let shown = [
            ("memory", limits.memory.map(|it| it.to_string())),
            ("open files", limits.open_files.map(|it| it.to_string())),
            ("processes", limits.processes.map(|it| it.to_string())),
            ("processors", limits.cpu.map(|it| it.to_string())),
        ];
        for (what, limit) in shown {
            writeln!(f, "  {what}: {}", limit.as_deref().unwrap_or("not limited"))?;
        }
        writeln!(f, "  network: not limited\n  hooks: it says which when it starts")
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    lines.iter().try_for_each(|it| writeln!(f, "  {it}"))
}
