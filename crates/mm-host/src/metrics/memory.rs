//! How much memory a process has, as the system tells it.

/// Resident bytes of the process with this id; `None` when there is none, or on systems that do not tell.
#[cfg(target_os = "linux")]
pub(super) fn resident(pid: u32) -> Option<i64> {
    // The second number counts pages; what is shared with others is in it.
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: i64 = text.split(' ').nth(1)?.parse().ok()?;
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten()?;
    // A process that has ended and was not waited for has none.
    (pages > 0).then_some(pages * page)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn resident(_: u32) -> Option<i64> {
    None
}
