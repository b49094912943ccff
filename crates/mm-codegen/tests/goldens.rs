//! Compiles what is expected of the cases. Written by `UPDATE_EXPECT=1 cargo test -p mm-codegen`.
#![allow(clippy::all, dead_code, unreachable_pub, unused_imports)]

macro_rules! golden {
    ($path:literal) => {
        include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/", $path));
    };
}

mod aliases {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("aliases/expected/api.rs");
        golden!("aliases/expected/attachment.rs");
        golden!("aliases/expected/logr.rs");
    }

    mod api_trait {
        golden!("aliases/expected/api_trait.rs");
    }
}

mod anonymous_structs {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("anonymous_structs/expected/api.rs");
        golden!("anonymous_structs/expected/packet.rs");
    }

    mod api_trait {
        golden!("anonymous_structs/expected/api_trait.rs");
    }
}

mod any_values {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("any_values/expected/api.rs");
    }

    mod api_trait {
        golden!("any_values/expected/api_trait.rs");
    }
}

mod build_tags {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("build_tags/expected/api.rs");
        golden!("build_tags/expected/environment_dev.rs");
    }

    mod api_trait {
        golden!("build_tags/expected/api_trait.rs");
    }
}

mod const_arithmetic {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("const_arithmetic/expected/api.rs");
    }

    mod api_trait {
        golden!("const_arithmetic/expected/api_trait.rs");
    }
}

mod deciding_hooks {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("deciding_hooks/expected/hooks.rs");
        golden!("deciding_hooks/expected/letter.rs");
    }

    mod hooks_trait {
        golden!("deciding_hooks/expected/hooks_trait.rs");
    }
}

mod embedded_structs {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("embedded_structs/expected/api.rs");
        golden!("embedded_structs/expected/details.rs");
    }

    mod api_trait {
        golden!("embedded_structs/expected/api_trait.rs");
    }
}

mod external_types {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("external_types/expected/api.rs");
        golden!("external_types/expected/list.rs");
        golden!("external_types/expected/saml2.rs");
        golden!("external_types/expected/visit.rs");
    }

    mod api_trait {
        golden!("external_types/expected/api_trait.rs");
    }
}

mod funcs_and_channels {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("funcs_and_channels/expected/api.rs");
        golden!("funcs_and_channels/expected/job.rs");
    }

    mod api_trait {
        golden!("funcs_and_channels/expected/api_trait.rs");
    }
}

mod generics {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("generics/expected/api.rs");
        golden!("generics/expected/options.rs");
        golden!("generics/expected/value.rs");
    }

    mod api_trait {
        golden!("generics/expected/api_trait.rs");
    }
}

mod gob_registrations {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("gob_registrations/expected/list.rs");
        golden!("gob_registrations/expected/rpc.rs");
        golden!("gob_registrations/expected/types.rs");
        golden!("gob_registrations/expected/value.rs");
    }
}

mod hidden_builtins {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("hidden_builtins/expected/api.rs");
        golden!("hidden_builtins/expected/drawer.rs");
    }

    mod api_trait {
        golden!("hidden_builtins/expected/api_trait.rs");
    }
}

mod hook_ids {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("hook_ids/expected/hooks.rs");
    }

    mod hooks_trait {
        golden!("hook_ids/expected/hooks_trait.rs");
    }
}

mod iota_consts {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("iota_consts/expected/api.rs");
    }

    mod api_trait {
        golden!("iota_consts/expected/api_trait.rs");
    }
}

mod json_tags {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("json_tags/expected/api.rs");
        golden!("json_tags/expected/tagged.rs");
    }

    mod api_trait {
        golden!("json_tags/expected/api_trait.rs");
    }
}

mod named_string_enum {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("named_string_enum/expected/api.rs");
        golden!("named_string_enum/expected/room.rs");
    }

    mod api_trait {
        golden!("named_string_enum/expected/api_trait.rs");
    }
}

mod nested_maps {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("nested_maps/expected/api.rs");
        golden!("nested_maps/expected/cell.rs");
        golden!("nested_maps/expected/list.rs");
    }

    mod api_trait {
        golden!("nested_maps/expected/api_trait.rs");
    }
}

mod optional_scalars {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("optional_scalars/expected/api.rs");
        golden!("optional_scalars/expected/device.rs");
    }

    mod api_trait {
        golden!("optional_scalars/expected/api_trait.rs");
    }
}

mod reader_writer_hook {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("reader_writer_hook/expected/file.rs");
        golden!("reader_writer_hook/expected/hooks.rs");
        golden!("reader_writer_hook/expected/http.rs");
        golden!("reader_writer_hook/expected/list.rs");
    }

    mod hooks_trait {
        golden!("reader_writer_hook/expected/hooks_trait.rs");
    }
}

mod recursive_types {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("recursive_types/expected/api.rs");
        golden!("recursive_types/expected/tree.rs");
    }

    mod api_trait {
        golden!("recursive_types/expected/api_trait.rs");
    }
}

mod removed_fields {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("removed_fields/expected/api.rs");
        golden!("removed_fields/expected/ticket.rs");
    }

    mod api_trait {
        golden!("removed_fields/expected/api_trait.rs");
    }
}

mod reserved_words {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("reserved_words/expected/api.rs");
        golden!("reserved_words/expected/yield.rs");
    }

    mod api_trait {
        golden!("reserved_words/expected/api_trait.rs");
    }
}

mod shared_packages {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("shared_packages/expected/api.rs");
        golden!("shared_packages/expected/post.rs");
        golden!("shared_packages/expected/text.rs");
        golden!("shared_packages/expected/zones.rs");
    }

    mod api_trait {
        golden!("shared_packages/expected/api_trait.rs");
    }
}

mod spelled_by_hand {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("spelled_by_hand/expected/api.rs");
        golden!("spelled_by_hand/expected/food.rs");
    }

    mod api_trait {
        golden!("spelled_by_hand/expected/api_trait.rs");
    }
}

mod streaming_methods {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("streaming_methods/expected/api.rs");
        golden!("streaming_methods/expected/http.rs");
        golden!("streaming_methods/expected/list.rs");
        golden!("streaming_methods/expected/shelf.rs");
    }

    mod api_trait {
        golden!("streaming_methods/expected/api_trait.rs");
    }
}

mod two_tags {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("two_tags/expected/api.rs");
    }

    mod api_trait {
        golden!("two_tags/expected/api_trait.rs");
    }
}

mod value_circle {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("value_circle/expected/api.rs");
        golden!("value_circle/expected/card.rs");
        golden!("value_circle/expected/value.rs");
    }

    mod api_trait {
        golden!("value_circle/expected/api_trait.rs");
    }
}

mod variadic_log {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("variadic_log/expected/api.rs");
    }

    mod api_trait {
        golden!("variadic_log/expected/api_trait.rs");
    }
}

mod wire_integers {
    use mm_proto::ApiError;
    use mm_proto::grpc::Parts;

    pub mod v1 {
        golden!("common/expected/value.rs");
        golden!("wire_integers/expected/api.rs");
        golden!("wire_integers/expected/numbers.rs");
    }

    mod api_trait {
        golden!("wire_integers/expected/api_trait.rs");
    }
}
