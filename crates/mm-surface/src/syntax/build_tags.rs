//! Which files are part of the default build: Linux on amd64, the official compiler, cgo, no tags of one's own.
//!
//! Two files that define one thing under opposite tags are never in one build; reading both would be reading a
//! program that nobody compiles.

/// Whether the default build contains this file.
pub(crate) fn in_default_build(path: &str, text: &str) -> bool {
    name_fits(path) && constraints_fit(text)
}

const SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];
const MACHINES: &[&str] = &[
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64",
    "s390x", "sparc64", "wasm",
];

/// `x_windows.go`, `x_linux_arm64.go`, `x_test.go`: parts of the name are constraints.
fn name_fits(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.strip_suffix(".go").unwrap_or(name);
    // What stands before the first underscore is never a constraint: `linux.go` is for all.
    let parts: Vec<&str> = stem.split('_').skip(1).collect();
    match parts.as_slice() {
        [.., "test"] => false,
        [.., system, machine] if SYSTEMS.contains(system) && MACHINES.contains(machine) => {
            holds(system) && holds(machine)
        }
        [.., last] if SYSTEMS.contains(last) || MACHINES.contains(last) => holds(last),
        _ => true,
    }
}

/// `//go:build` above the package clause; `// +build` lines only where that is missing, as Go has it.
fn constraints_fit(text: &str) -> bool {
    let head = || {
        text.lines()
            .map(str::trim)
            .take_while(|it| it.is_empty() || it.starts_with("//") || it.starts_with("/*") || it.starts_with('*'))
    };
    if let Some(expression) = head().find_map(|it| it.strip_prefix("//go:build ")) {
        return Expression { rest: expression }.or();
    }
    head()
        .filter_map(|it| it.trim_start_matches('/').trim_start().strip_prefix("+build "))
        .all(|line| line.split_whitespace().any(|group| group.split(',').all(old_term_holds)))
}

fn old_term_holds(term: &str) -> bool {
    match term.strip_prefix('!') {
        Some(tag) => !holds(tag),
        None => holds(term),
    }
}

fn holds(tag: &str) -> bool {
    matches!(tag, "linux" | "unix" | "amd64" | "gc" | "cgo") || tag.starts_with("go1.")
}

/// `a && (b || !c)`, read from left to right.
struct Expression<'a> {
    rest: &'a str,
}

impl Expression<'_> {
    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let found = self.rest.strip_prefix(token);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn or(&mut self) -> bool {
        let mut value = self.and();
        while self.eat("||") {
            value |= self.and();
        }
        value
    }

    fn and(&mut self) -> bool {
        let mut value = self.not();
        while self.eat("&&") {
            value &= self.not();
        }
        value
    }

    fn not(&mut self) -> bool {
        if self.eat("!") {
            return !self.not();
        }
        if self.eat("(") {
            let value = self.or();
            self.eat(")");
            return value;
        }
        self.rest = self.rest.trim_start();
        let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '.';
        let (tag, rest) = self.rest.split_at(self.rest.len() - self.rest.trim_start_matches(is_part).len());
        self.rest = rest;
        holds(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_constraints() {
        for (path, fits) in [
            ("model/post.go", true),
            ("model/post_test.go", false),
            ("model/x_windows.go", false),
            ("model/x_linux.go", true),
            ("model/x_linux_arm64.go", false),
            ("model/x_amd64.go", true),
            ("model/windows.go", true),
            ("model/email_notification.go", true),
        ] {
            assert_eq!(in_default_build(path, "package model\n"), fits, "{path}");
        }
    }

    #[test]
    fn expressions_are_read_as_go_reads_them() {
        for (expression, fits) in [
            ("production", false),
            ("!production", true),
            ("linux && !cgo", false),
            ("windows || linux", true),
            ("!(windows || darwin) && go1.22", true),
            ("ignore", false),
        ] {
            let text = format!("// Copyright\n\n//go:build {expression}\n\npackage model\n");
            assert_eq!(in_default_build("x.go", &text), fits, "{expression}");
        }
    }

    #[test]
    fn old_lines_count_where_the_new_one_is_missing() {
        assert!(!in_default_build("x.go", "// +build production\n\npackage model\n"));
        assert!(in_default_build("x.go", "// +build windows linux\n\npackage model\n"));
        assert!(!in_default_build("x.go", "// +build linux,!cgo\n\npackage model\n"));
        assert!(in_default_build("x.go", "//go:build linux\n// +build windows\n\npackage model\n"));
        assert!(in_default_build("x.go", "package model\n\n//go:build production\n"));
    }
}
