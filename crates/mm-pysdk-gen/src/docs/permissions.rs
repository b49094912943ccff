//! The page of permissions: what a manifest may ask for, and the methods behind it.

use mm_codegen::ir::{Access, Method};

use super::nodes::{Entry, PermissionSection, PermissionsPage};
use super::text::{code, code_link};
use crate::context::Context;
use crate::docstring::sentence;
use crate::names;

pub(super) fn page(context: &Context<'_>, header: &str) -> PermissionsPage {
    let ir = context.ir;
    let sections = ir.permissions.iter().map(|(name, doc)| {
        let methods = ir.api.iter().filter(|it| it.access.as_ref() == Some(&Access::Needs(name.clone())));
        let services = ir.services.iter().filter(|(_, needed)| *needed == name);
        PermissionSection {
            name: name.clone(),
            doc: sentence(doc),
            methods: methods.map(link).collect(),
            services: services.map(|(service, _)| code(service)).collect(),
        }
    });
    let always = ir.api.iter().filter_map(|it| match &it.access {
        Some(Access::Always(why)) => Some(Entry { link: link(it), text: sentence(why) }),
        _ => None,
    });
    PermissionsPage {
        header: header.to_owned(),
        n_methods: ir.api.len(),
        permissions: sections.collect(),
        always: always.collect(),
    }
}

fn link(method: &Method) -> String {
    code_link(&method.name.python, &format!("api/{}.md#{}", names::module(&method.group), method.name.python))
}

/// How GitHub calls the place of a permission's heading.
pub(super) fn anchor(permission: &str) -> String {
    permission.replace('.', "")
}
