//! The list of methods whose net/rpc code upstream writes by hand.

use super::{Change, Diff, Entry, Meaning, What};
use crate::surface::Surface;

impl Diff<'_> {
    pub(super) fn hand_written(&mut self) {
        let (old, new) = (self.old, self.new);
        // New ones and those that are gone are listed as methods, and renamed ones too.
        let both = |it: &&String| exists(old, it) && exists(new, it);
        for it in old.hand_written.iter().filter(both).filter(|it| !new.hand_written.contains(it)) {
            let note = "upstream generates its net/rpc code now: check that ours in the bridge is still needed";
            self.add(Entry::new(What::HandWritten, it, Change::Removed, Meaning::NeedsOverride, note));
        }
        for it in new.hand_written.iter().filter(both).filter(|it| !old.hand_written.contains(it)) {
            let note =
                "upstream writes its net/rpc code by hand now: see what it does more, the bridge has to do it too";
            self.add(Entry::new(What::HandWritten, it, Change::Added, Meaning::NeedsOverride, note));
        }
    }
}

fn exists(surface: &Surface, name: &str) -> bool {
    surface.api.iter().chain(&surface.hooks).any(|it| it.name == name)
}
