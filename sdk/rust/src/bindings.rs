//! The contract as Rust types, generated from `wit/`.
//!
//! Each export comes from a world of its own. A world brings along a section that describes
//! it, the linker unites the sections of the worlds that a plugin exports, and so a
//! component exports what its author implements and nothing else.
#![expect(
    missing_docs,
    clippy::pedantic,
    reason = "generated; the contract's own comments are the documentation"
)]

/// What the host offers.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "imports",
        additional_derives: [PartialEq],
    });
}

/// What a plugin may export, one interface a module.
pub mod exports {
    /// The one export that is required.
    pub mod describe {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world describe { export pith:plugin/describe@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
        });
    }

    /// For task types of the kind `sync`.
    pub mod sync {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world sync { export pith:plugin/syncer@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
                "pith:plugin/host@0.1.0": crate::bindings::imports::pith::plugin::host,
            },
            pub_export_macro: true,
        });
    }

    /// For task types of the kind `upload`.
    pub mod upload {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world upload { export pith:plugin/uploader@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
                "pith:plugin/host@0.1.0": crate::bindings::imports::pith::plugin::host,
            },
            pub_export_macro: true,
        });
    }

    /// For copies.
    pub mod resolve {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world resolve { export pith:plugin/resolver@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
                "pith:plugin/host@0.1.0": crate::bindings::imports::pith::plugin::host,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
        });
    }

    /// For task types of the kind `publish`.
    pub mod publish {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world publish { export pith:plugin/publisher@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
                "pith:plugin/host@0.1.0": crate::bindings::imports::pith::plugin::host,
            },
            pub_export_macro: true,
        });
    }

    /// For addresses of the plugin's own.
    pub mod serve {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world serve { export pith:plugin/server@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
                "pith:plugin/host@0.1.0": crate::bindings::imports::pith::plugin::host,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
        });
    }

    /// For task types of the kind `change`.
    pub mod change {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world change { export pith:plugin/changer@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
                "pith:plugin/host@0.1.0": crate::bindings::imports::pith::plugin::host,
            },
            pub_export_macro: true,
        });
    }

    /// For keys that sort.
    pub mod order {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world order { export pith:plugin/orderer@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
            },
            pub_export_macro: true,
        });
    }

    /// For fields that are not stored.
    pub mod derive {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package pith:sdk; world derive { export pith:plugin/deriver@0.1.0; }",
            with: {
                "pith:plugin/types@0.1.0": crate::bindings::imports::pith::plugin::types,
                "pith:plugin/host@0.1.0": crate::bindings::imports::pith::plugin::host,
            },
            pub_export_macro: true,
        });
    }
}
