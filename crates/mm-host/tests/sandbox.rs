//! What a manifest's limits and sandbox do to a process, and that the log says what is enforced.

mod common;

use common::TestPlugin;

/// Whether the kernel has Landlock, asked without the host.
fn has_landlock() -> bool {
    // SAFETY: with the flag 1 the call looks at no memory, and gives a number.
    unsafe { nix::libc::syscall(nix::libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, 1_u32) > 0 }
}

/// Tries to change files in many places.
const WRITER: &str = r#"
    @hook(HookName.OnActivate)
    def up(self):
        import os, pathlib, subprocess, sys, tempfile
        here = pathlib.Path(__file__).parent
        def attempt(name, action):
            try:
                action()
                print(name, "DONE")
            except OSError as error:
                print(name, type(error).__name__)
        outside = pathlib.Path(os.environ["PLUGIN_OUTSIDE"])
        attempt("bundle", lambda: (here / "new").write_text("x"))
        attempt("entry", lambda: os.truncate(__file__, 0))
        attempt("outside", lambda: (outside / "new").write_text("x"))
        attempt("remove", lambda: (outside / "old").unlink())
        attempt("folder", lambda: (outside / "d").mkdir())
        attempt("link", lambda: os.symlink("/", outside / "l"))
        attempt("null", lambda: pathlib.Path(os.devnull).write_text("x"))
        attempt("read", lambda: (outside / "old").read_text())
        attempt("environment of the host", lambda: pathlib.Path(f"/proc/{os.getppid()}/environ").read_bytes())
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
            print("temporary", os.path.dirname(file.name) == os.environ["TMPDIR"])
        child = subprocess.run([sys.executable, "-c", f"open({str(outside / 'new')!r}, 'w')"], stderr=subprocess.DEVNULL)
        print("child", child.returncode)
        pathlib.Path(tempfile.gettempdir(), "left").write_text("behind")
        print("TMPDIR", os.environ["TMPDIR"])
"#;

async fn run(plugin: &TestPlugin, outside: &std::path::Path) -> Vec<String> {
    let host = plugin.builder().variable("PLUGIN_OUTSIDE", outside).build().unwrap();
    host.start().await.unwrap();
    host.activate().await.unwrap();
    host.drain_output(common::AT_LAST).await;
    host.stop("test").await;
    plugin.logged().iter().filter_map(|it| it.strip_prefix("info: ").map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_sandbox_nothing_can_be_changed_but_in_a_folder_of_its_own() {
    let plugin = TestPlugin::with_body(WRITER);
    plugin.edit_manifest(|it| it["server"]["python"] = serde_json::json!({"sandbox": "files"}));
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("old"), "old").unwrap();
    let printed = run(&plugin, outside.path()).await;
    let said = |start: &str| printed.iter().any(|it| it.starts_with(start));
    if !has_landlock() {
        eprintln!("this kernel has no Landlock: only that the log says so is tested");
        assert!(said("sandbox: not enforced, since this kernel has no Landlock"), "{printed:#?}");
        return;
    }
    assert!(said("sandbox: no file can be changed but in a temporary folder of the process's own (Landlock, version"));
    // Root may read it by another right, which a sandbox without root's does not have.
    let environment = if nix::unistd::geteuid().is_root() { None } else { Some("environment of the host") };
    for name in ["bundle", "entry", "outside", "remove", "folder", "link"].into_iter().chain(environment) {
        assert!(said(&format!("{name} PermissionError")), "{name}: {printed:#?}");
    }
    for line in ["null DONE", "read DONE", "temporary True", "child 1"] {
        assert!(said(line), "{line}: {printed:#?}");
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1, "nothing came, nothing went");
    let temporary = printed.iter().find_map(|it| it.strip_prefix("TMPDIR ")).unwrap();
    assert!(!std::path::Path::new(temporary).exists(), "its folder goes with it: {temporary}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_sandbox_nothing_is_taken_away_or_said() {
    let plugin = TestPlugin::with_body(WRITER);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("old"), "old").unwrap();
    // The plugin would empty its own file, and others the temporary folder of all.
    let body = std::fs::read_to_string(plugin.dir.path().join("plugin.py")).unwrap();
    let body =
        body.replace("attempt(\"entry\"", "(\"entry\"").replace("os.environ[\"TMPDIR\"]", "tempfile.gettempdir()");
    let body = body.replace("pathlib.Path(tempfile.gettempdir(), \"left\").write_text(\"behind\")", "pass");
    std::fs::write(plugin.dir.path().join("plugin.py"), body).unwrap();
    let printed = run(&plugin, outside.path()).await;
    for name in ["bundle", "outside", "remove", "folder", "link"] {
        assert!(printed.contains(&format!("{name} DONE")), "{name}: {printed:#?}");
    }
    assert!(!printed.iter().any(|it| it.contains("sandbox") || it.contains("limits.")), "{printed:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_files_are_limited_and_the_log_says_how() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        import os, resource\n        print(resource.getrlimit(resource.RLIMIT_NOFILE))\n\
         \x20       try:\n            held = [open(os.devnull) for _ in range(1000)]\n        except OSError as error:\n            print(error.strerror)\n",
    );
    plugin.edit_manifest(|it| it["server"]["python"] = serde_json::json!({"limits": {"open_files": 64}}));
    let printed = run(&plugin, std::path::Path::new("/")).await;
    for line in ["limits.open_files: 64 in each process (RLIMIT_NOFILE)", "(64, 64)", "Too many open files"] {
        assert!(printed.iter().any(|it| it == line), "{line}: {printed:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_for_want_of_memory_names_the_limit() {
    let plugin = TestPlugin::with_body("    held = bytearray(1 << 30)\n");
    plugin.edit_manifest(|it| it["server"]["python"] = serde_json::json!({"limits": {"memory": "256M"}}));
    let host = plugin.host();
    let error = host.start().await.unwrap_err().to_string();
    assert!(error.contains("MemoryError"), "{error}");
    assert!(error.contains("server.python.limits.memory in the manifest is 256M: raise it"), "{error}");
    assert!(
        plugin.logged().iter().any(|it| it.starts_with("info: limits.memory: 256M for ")),
        "{:#?}",
        plugin.logged()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_within_its_limits_runs() {
    let plugin = TestPlugin::with_body("    @hook(HookName.OnActivate)\n    def up(self):\n        print('UP')\n");
    let limits = serde_json::json!({"memory": "256M", "open_files": 256, "processes": 64, "cpu": 1.0});
    plugin.edit_manifest(|it| it["server"]["python"] = serde_json::json!({"limits": limits, "sandbox": "files"}));
    let printed = run(&plugin, std::path::Path::new("/")).await;
    assert!(printed.iter().any(|it| it == "UP"), "{printed:#?}");
    for key in ["memory", "open_files", "processes", "cpu"] {
        let start = format!("limits.{key}: ");
        assert_eq!(printed.iter().filter(|it| it.starts_with(&start)).count(), 1, "{key}: {printed:#?}");
    }
}
