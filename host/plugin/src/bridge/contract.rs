//! The contract as Rust types, generated from `wit/`.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "plugin",
    imports: {
        // These return at once and are called most often.
        "pith:plugin/log.write": trappable,
        "pith:plugin/host.[method]task.progress": trappable,
        // The others may wait; while they do, the thread does other work.
        default: async | trappable,
    },
    exports: { default: async },
    with: {
        "pith:plugin/host.task": crate::bridge::Task,
        "pith:plugin/host.remote": pith_content::fetch::Remote,
        "pith:plugin/host.body": pith_content::document::Document,
        "pith:plugin/host.staging": pith_content::staging::Staging,
        "pith:plugin/host.cursor": pith_content::view::Cursor,
        "pith:plugin/host.view": pith_content::view::View,
        "pith:plugin/host.changes": pith_content::changes::Changes,
        "pith:plugin/host.reader": pith_content::inputs::Reader,
        "pith:plugin/host.inputs": pith_content::inputs::Inputs,
        "pith:plugin/host.file": pith_content::publish::FileDraft,
        "pith:plugin/host.lines": pith_content::lines::Lines,
        "pith:plugin/host.candidates": pith_content::lines::Candidates,
        "pith:plugin/host.publication": pith_content::publish::PublicationDraft,
        "pith:plugin/host.site": crate::serve::SiteHandle,
        "pith:plugin/host.api": crate::serve::ApiHandle,
    },
    trappable_error_type: {
        "pith:plugin/types.error" => crate::bridge::failure::Failure,
    },
});
