//! `identity/entity/merge`: one entity of several.

use std::collections::BTreeSet;

use keyward_api::identity::{MergeConflict, MergeEntities};

use super::{
    super::{Alias, Draft, Entity, Mfa},
    Identities, given,
    show::{self, Places},
};
use crate::{Error, Response, Timestamp, barrier::Change, engine::Context, storage::Expect};

/// Moves aliases and group memberships to one entity and removes the others, all or nothing.
pub(super) async fn merge(
    cx: Context<Identities>,
    request: MergeEntities,
) -> Result<Response<()>, Error> {
    let to = given(request.to_entity_id);
    let to = to.ok_or_else(|| Error::invalid("missing entity id to merge to"))?;
    let from = request.from_entity_ids.filter(|ids| !ids.is_empty());
    let from = from.ok_or_else(|| Error::invalid("missing entity ids to merge from"))?;
    let keep = request.conflicting_alias_ids_to_keep.unwrap_or_default();
    let (now, places) = (cx.now(), Places::of(&cx));
    let overrides = request.force.unwrap_or_default();
    let secrets = second_factors(&cx, &to, &from, overrides).await?;
    let change = |draft: &mut Draft| {
        let (mut to, from) = involved(draft, &to, &from)?;
        check(&to, &from, &keep, &places)?;
        for from in from {
            for secret in cx.mfa.secrets_of(&from.id) {
                draft.erase(secret);
            }
            take_over(draft, &mut to, from, &keep);
        }
        for change in secrets {
            draft.also(change);
        }
        to.updated = now;
        draft.put_entity(to.clone());
        join_groups(draft, &to.id, now);
        Ok(())
    };
    cx.store.change(cx.view(), change).await?;
    Ok(Response::empty())
}

/// Moves the secrets of MFA methods that go over to the entity that stays, as they are now: a code
/// that is used up meanwhile would be good again else, and a secret that is made would be lost.
///
/// # Errors
/// [`Error::Invalid`] if two are of one method, unless that of the entity that stays `overrides`; the
/// text is Vault's.
async fn second_factors(
    cx: &Context<Identities>,
    to: &str,
    from: &[String],
    overrides: bool,
) -> Result<Vec<Change>, Error> {
    let snapshot = cx.store.now();
    // What is not there is refused with the rest.
    let id_of = |id: &str| snapshot.entity(id).map(|entity| entity.id.clone());
    let Some(to) = id_of(to) else {
        return Ok(Vec::new());
    };
    let mut from: Vec<_> = from.iter().filter_map(|id| id_of(id)).collect();
    from.sort_unstable();
    from.dedup();
    from.retain(|id| *id != to);
    let own = cx.mfa.stored_secrets(&to).await?;
    let mut methods: Vec<_> = own.into_iter().map(|(method, _)| method).collect();
    let mut secrets = Vec::new();
    for id in from {
        for (method, secret) in cx.mfa.stored_secrets(&id).await? {
            if !methods.contains(&method) {
                let (old, new) = (Mfa::secret_of(&method, &id), Mfa::secret_of(&method, &to));
                let is_unchanged = Expect::At(secret.revision);
                secrets.push(Change::delete(old).expecting(is_unchanged));
                secrets.push(Change::put(new, secret.value).expecting(Expect::Absent));
                methods.push(method);
            } else if !overrides {
                return Err(Error::Invalid(format!(
                    "conflicting MFA config ID {method:?} in entity ID {id:?}"
                )));
            }
        }
    }
    Ok(secrets)
}

/// Finds the entities that are named, each once.
fn involved(draft: &Draft, to: &str, from: &[String]) -> Result<(Entity, Vec<Entity>), Error> {
    let found = |id: &str| draft.now().entity(id).map(|entity| (**entity).clone());
    let to = found(to).ok_or_else(|| Error::invalid("entity id to merge to is invalid"))?;
    let mut others: Vec<Entity> = Vec::new();
    for id in from {
        let from = found(id).ok_or_else(|| Error::invalid("entity id to merge from is invalid"))?;
        if from.id == to.id {
            return Err(Error::invalid(
                "to_entity_id should not be present in from_entity_ids",
            ));
        }
        if others.iter().all(|other| other.id != from.id) {
            others.push(from);
        }
    }
    Ok((to, others))
}

/// Refuses two names at one auth method, unless it is said which one stays.
fn check(to: &Entity, from: &[Entity], keep: &[String], places: &Places) -> Result<(), Error> {
    let mut accessors = BTreeSet::new();
    let mut clashes = String::new();
    let mut sides: Vec<MergeConflict> = Vec::new();
    let mut count = 1;
    for from in from {
        for alias in &from.aliases {
            let accessor = &alias.mount_accessor;
            if !accessors.insert(accessor) {
                return Err(Error::Invalid(format!(
                    "mount accessor {accessor} found in multiple fromEntities, merge should be \
                     done with one fromEntity at a time"
                )));
            }
            let Some(own) = to.alias_at(accessor) else {
                continue;
            };
            let kept = |id: &String| keep.contains(id);
            if keep.is_empty() {
                count += 1;
                clashes += &format!(
                    "\t* mountAccessor: {accessor}, toEntity ID: {}, fromEntity ID: {}, \
                     conflicting toEntity alias ID: {}, conflicting fromEntity alias ID: {}\n",
                    to.id, from.id, own.id, alias.id
                );
                sides.extend([side(to, own, places), side(from, alias, places)]);
            } else if kept(&own.id) == kept(&alias.id) {
                let which = if kept(&own.id) { "both" } else { "neither" };
                return Err(Error::Invalid(format!(
                    "conflicting mount accessors in following alias IDs and {which} were present \
                     in conflicting_alias_ids_to_keep: {}, {}",
                    alias.id, own.id
                )));
            }
        }
    }
    if clashes.is_empty() {
        return Ok(());
    }
    Err(Error::Contested {
        text: format!(
            "{count} errors occurred:\n\t* toEntity and at least one fromEntity have aliases with \
             the same mount accessor, repeat the merge request specifying exactly one fromEntity, \
             clashes: \n{clashes}\n"
        ),
        data: serde_json::to_value(sides).map_err(Error::internal)?,
    })
}

fn side(entity: &Entity, alias: &Alias, places: &Places) -> MergeConflict {
    let alias = show::key_alias(alias, places);
    MergeConflict {
        alias: alias.name,
        entity: entity.name.clone(),
        entity_id: entity.id.clone(),
        mount: alias.mount_type,
        mount_path: alias.mount_path,
    }
}

/// Moves what one entity has to another.
fn take_over(draft: &mut Draft, to: &mut Entity, from: Entity, keep: &[String]) {
    for mut alias in from.aliases {
        if to.alias_at(&alias.mount_accessor).is_some() {
            if !keep.contains(&alias.id) {
                continue;
            }
            to.aliases
                .retain(|own| own.mount_accessor != alias.mount_accessor);
        }
        alias.merged_from.push(from.id.clone());
        to.aliases.push(alias);
    }
    for group in draft.now().direct_groups(&from.id) {
        let mut group = (*group).clone();
        group.member_entities.push(to.id.clone());
        draft.put_group(group);
    }
    draft.remove_entity(&from.id);
    // Tokens that carry the id of an entity that was merged before still lead somewhere.
    to.merged.extend(from.merged);
    to.merged.push(from.id);
}

/// Lists the entity once in each group that it came to by more than one way.
fn join_groups(draft: &mut Draft, id: &str, now: Timestamp) {
    for group in draft.now().direct_groups(id) {
        let mut members: Vec<String> = Vec::new();
        for member in &group.member_entities {
            if !members.contains(member) {
                members.push(member.clone());
            }
        }
        if members.len() != group.member_entities.len() {
            let mut group = (*group).clone();
            group.member_entities = members;
            group.updated = now;
            draft.put_group(group);
        }
    }
}
