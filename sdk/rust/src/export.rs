//! Joins the traits of this crate to the functions that a component exports.

use crate::bindings::exports::{
    change::exports::pith::plugin::changer, derive::exports::pith::plugin::deriver,
    describe::exports::pith::plugin::describe, order::exports::pith::plugin::orderer,
    publish::exports::pith::plugin::publisher, resolve::exports::pith::plugin::resolver,
    serve::exports::pith::plugin::server, sync::exports::pith::plugin::syncer,
    upload::exports::pith::plugin::uploader,
};
use crate::bindings::imports::pith::plugin::types;
use crate::panic::install_hook;
use crate::{
    Api, Changer, Changes, Deriver, Descriptor, Fragment, Inputs, Lines, Orderer, Plugin,
    Publication, Publisher, Remote, Resolution, Resolver, Server, Staging, Syncer, Task, UnitRef,
    Uploader, View,
};

impl<T: Plugin> describe::Guest for T {
    fn describe() -> Result<Descriptor, types::Error> {
        install_hook();
        Ok(<T as Plugin>::describe()?)
    }
}

impl<T: Syncer> syncer::Guest for T {
    fn sync(
        task: &Task,
        remote: &Remote,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<(), types::Error> {
        install_hook();
        Ok(<T as Syncer>::sync(task, remote, current, staging, next)?)
    }
}

impl<T: Uploader> uploader::Guest for T {
    fn parse(task: &Task, files: &Inputs, staging: &Staging) -> Result<Vec<UnitRef>, types::Error> {
        install_hook();
        Ok(<T as Uploader>::parse(task, files, staging)?)
    }
}

impl<T: Publisher> publisher::Guest for T {
    fn publish(task: &Task, content: &View, publication: &Publication) -> Result<(), types::Error> {
        install_hook();
        Ok(<T as Publisher>::publish(task, content, publication)?)
    }
}

impl<T: Server> server::Guest for T {
    fn routes() -> Result<server::Routing, types::Error> {
        install_hook();
        Ok(<T as Server>::routes()?)
    }

    fn serve(api: &Api, request: server::Request) -> Result<server::Response, types::Error> {
        install_hook();
        Ok(<T as Server>::serve(api, request)?)
    }
}

impl<T: Resolver> resolver::Guest for T {
    fn resolve(task: &Task, lines: &Lines, upgrade: bool) -> Result<Resolution, types::Error> {
        install_hook();
        Ok(<T as Resolver>::resolve(task, lines, upgrade)?)
    }
}

impl<T: Changer> changer::Guest for T {
    fn change(
        name: String,
        task: &Task,
        files: &Inputs,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<(), types::Error> {
        install_hook();
        Ok(<T as Changer>::change(
            &name, task, files, current, staging, next,
        )?)
    }
}

impl<T: Orderer> orderer::Guest for T {
    fn keys(
        content_type: String,
        key: String,
        values: Vec<String>,
    ) -> Result<Vec<String>, types::Error> {
        install_hook();
        Ok(<T as Orderer>::keys(&content_type, &key, &values)?)
    }
}

impl<T: Deriver> deriver::Guest for T {
    fn derive(
        content_type: String,
        fields: Vec<String>,
        units: Vec<Vec<Fragment>>,
    ) -> Result<Vec<String>, types::Error> {
        install_hook();
        units
            .iter()
            .map(|unit| Ok(<T as Deriver>::derive(&content_type, &fields, unit)?))
            .collect()
    }
}

/// Makes a type the plugin of this component.
///
/// The words after `with` name what the component exports beside its description; each
/// wants the trait of that name: `sync` [`Syncer`], `upload` [`Uploader`], `publish`
/// [`Publisher`], `change` [`Changer`], `resolve` [`Resolver`], `serve` [`Server`], `order` [`Orderer`],
/// `derive` [`Deriver`]. What is not named is not exported, and is left to the host.
///
/// ```
/// use pith_plugin_sdk::{Descriptor, Plugin, Publisher, Publication, Result, Task, View};
///
/// pub struct Notes;
///
/// impl Plugin for Notes {
///     fn describe() -> Result<Descriptor> {
///         unimplemented!()
///     }
/// }
///
/// impl Publisher for Notes {
///     fn publish(_: &Task, _: &View, publication: &Publication) -> Result<()> {
///         publication.pass_through();
///         Ok(())
///     }
/// }
///
/// pith_plugin_sdk::export!(Notes with publish);
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ident $(with $($ability:ident),+ $(,)?)?) => {
        $crate::__export_ability!(describe $plugin);
        $($($crate::__export_ability!($ability $plugin);)+)?
    };
}

// The names of a component's exports are no names that a native linker takes, so a native
// build (for unit tests) exports nothing and only checks that the traits are there.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_ability {
    (describe $plugin:ident) => {
        $crate::__export_module!(describe, $crate::Plugin, $plugin);
    };
    (sync $plugin:ident) => {
        $crate::__export_module!(sync, $crate::Syncer, $plugin);
    };
    (upload $plugin:ident) => {
        $crate::__export_module!(upload, $crate::Uploader, $plugin);
    };
    (publish $plugin:ident) => {
        $crate::__export_module!(publish, $crate::Publisher, $plugin);
    };
    (serve $plugin:ident) => {
        $crate::__export_module!(serve, $crate::Server, $plugin);
    };
    (resolve $plugin:ident) => {
        $crate::__export_module!(resolve, $crate::Resolver, $plugin);
    };
    (change $plugin:ident) => {
        $crate::__export_module!(change, $crate::Changer, $plugin);
    };
    (order $plugin:ident) => {
        $crate::__export_module!(order, $crate::Orderer, $plugin);
    };
    (derive $plugin:ident) => {
        $crate::__export_module!(derive, $crate::Deriver, $plugin);
    };
    ($other:ident $plugin:ident) => {
        compile_error!(concat!(
            "a plugin can `sync`, `upload`, `publish`, `change`, `resolve`, `serve`, `order` or \
             `derive`, not `",
            stringify!($other),
            "`"
        ));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_module {
    ($module:ident, $interface:path, $plugin:ident) => {
        const _: () = {
            const fn implements<T: $interface>() {}
            implements::<$plugin>();
        };
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::exports::$module::export!(
            $plugin with_types_in $crate::bindings::exports::$module
        );
    };
}
