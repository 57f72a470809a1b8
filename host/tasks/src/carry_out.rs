//! From what a task has to do to the file that does it.

use pith_model::task::TaskError;

use crate::commit::Commit;
use crate::run::Context;
use crate::work::Work;
use crate::{
    change, clean_up, commit_upload, copy, delete, distribute, entity_file, modify, publish, purge,
    repair, sync, upload,
};

/// Does everything but the last step, which makes the results visible.
pub(crate) async fn carry_out(context: Context, work: Work) -> Result<Box<dyn Commit>, TaskError> {
    match work {
        Work::Sync {
            repository,
            remote,
            params,
        } => sync::run(&context, repository, remote, params).await,
        Work::Modify {
            repository,
            add,
            remove,
            remove_all,
            base_version,
            keep,
        } => {
            let change = modify::Change {
                add,
                remove,
                remove_all,
                base_version,
                keep,
            };
            modify::run(&context, repository, change).await
        }
        Work::Publish {
            version,
            repository,
            type_name,
            config,
        } => publish::run(&context, version, repository, type_name, config).await,
        Work::Copy(plan) => copy::run(&context, plan).await,
        Work::Purge {
            before,
            states,
            user,
        } => purge::run(&context, before, &states, user).await,
        Work::Upload {
            content_type,
            source,
            file_name,
            params,
            repository,
            labels,
            fields,
            keep,
            named,
        } => {
            let file = upload::File {
                content_type,
                source,
                name: file_name,
                params,
                labels,
                fields,
                keep,
                named,
            };
            upload::run(&context, file, repository).await
        }
        Work::Change {
            task_type,
            repository,
            source,
            file,
            params,
            units,
            signing,
        } => {
            let change = change::Change {
                task_type,
                repository,
                source,
                file,
                params,
                units,
                signing,
            };
            change::run(&context, change).await
        }
        Work::CommitUpload { upload, sha256 } => {
            commit_upload::run(&context, upload, &sha256).await
        }
        Work::CreateDistribution {
            type_name,
            settings,
        } => Ok(distribute::create(&context, type_name, settings)),
        Work::DeleteDistribution { distribution } => Ok(delete::distribution(distribution)),
        Work::DeleteRepository { repository } => Ok(delete::repository(repository)),
        Work::DeleteVersion { repository, number } => Ok(delete::version(repository, number)),
        Work::DeleteRemote { remote } => Ok(delete::remote(remote)),
        Work::Repair {
            version,
            verify_checksums,
        } => repair::run(&context, version, verify_checksums).await,
        Work::FetchEntityFile {
            entity,
            settings,
            file,
        } => entity_file::run(&context, entity, file, &settings).await,
        Work::OrphanCleanup {
            protection_minutes,
            only,
        } => clean_up::run(&context, protection_minutes, only).await,
    }
}
