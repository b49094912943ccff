//! Upstream's net/rpc services, where they do not just follow a method.

use super::{Change, Diff, Entry, Meaning, What};
use crate::surface::{RpcMethod, Struct};

/// The services of the API and of the hooks; their methods are those of the interfaces.
const FOLLOWING: [&str; 2] = ["plugin.apiRPCServer", "plugin.hooksRPCServer"];

impl Diff<'_> {
    pub(super) fn rpc(&mut self) {
        self.rpc_structs();
        self.rpc_methods();
    }

    fn rpc_structs(&mut self) {
        let (old, new) = (self.old, self.new);
        for before in old.rpc.iter().filter(|it| !self.follows(it)).collect::<Vec<_>>() {
            match new.rpc.iter().find(|it| it.name == before.name) {
                Some(after) => self.rpc_fields(before, after),
                None => {
                    let note =
                        "upstream changed net/rpc code that it writes by hand: look at it, and at ours in the bridge";
                    self.add(Entry::new(What::RpcStruct, &before.name, Change::Removed, Meaning::BreaksWire, note));
                }
            }
        }
        for it in new
            .rpc
            .iter()
            .filter(|it| !self.follows(it) && old.rpc.iter().all(|o| o.name != it.name))
            .collect::<Vec<_>>()
        {
            let note = "servers before do not know it";
            self.add(Entry::new(What::RpcStruct, &it.name, Change::Added, Meaning::Compatible, note));
        }
    }

    /// The fields, told as those of any struct.
    fn rpc_fields(&mut self, before: &Struct, after: &Struct) {
        let first = self.entries.len();
        self.fields(&after.name, &before.fields, &after.fields);
        for entry in &mut self.entries[first..] {
            entry.what = What::RpcStruct;
            if entry.change == Change::Added {
                entry.meaning = Meaning::Compatible;
                "servers before do not know it; the bridge may have to fill or read it".clone_into(&mut entry.note);
            }
        }
    }

    /// Whether a method that is listed already says it all: `plugin.Z_GetUserArgs`.
    fn follows(&self, it: &Struct) -> bool {
        let name = it.name.rsplit_once("Z_").map_or(it.name.as_str(), |(_, name)| name);
        let method = name.strip_suffix("Returns").unwrap_or_else(|| name.trim_end_matches("Args"));
        self.touched.contains(method)
    }

    fn rpc_methods(&mut self) {
        let (old, new) = (self.old, self.new);
        let find = |all: &[RpcMethod], it: &RpcMethod| -> Option<RpcMethod> {
            all.iter().find(|other| (&other.service, &other.name) == (&it.service, &it.name)).cloned()
        };
        let full = |it: &RpcMethod| format!("{}.{}", it.service, it.name);
        for before in old.rpc_methods.iter().filter(|it| !self.served(it)).collect::<Vec<_>>() {
            let Some(after) = find(&new.rpc_methods, before) else {
                let note = "newer servers do not offer it";
                self.add(Entry::new(What::RpcMethod, &full(before), Change::Removed, Meaning::TakesAway, note));
                continue;
            };
            for (part, types) in [("argument", (&before.args, &after.args)), ("reply", (&before.reply, &after.reply))] {
                self.type_in_place(What::RpcMethod, &full(&after), part, (types.0, types.1));
            }
        }
        for it in new.rpc_methods.iter().filter(|it| !self.served(it)).collect::<Vec<_>>() {
            if find(&old.rpc_methods, it).is_none() {
                let note = "servers before do not offer it";
                self.add(Entry::new(What::RpcMethod, &full(it), Change::Added, Meaning::Compatible, note));
            }
        }
    }

    fn served(&self, it: &RpcMethod) -> bool {
        FOLLOWING.contains(&it.service.as_str()) && self.touched.contains(&it.name)
    }
}
