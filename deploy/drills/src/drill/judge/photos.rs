//! Photos: the bytes are those of the tag, and not those of a photo that was replaced long ago.

use std::collections::HashMap;
use std::time::Duration;

use super::{Case, Findings};
use crate::drill::evidence::Served;

/// How old a photo may be, with Redis away.
const OLD: Duration = Duration::from_secs(5);

/// The body of each answer has the hash that its tag says, and is of the product that was asked for: no two uploads have
/// the same picture.
pub(super) fn match_their_tags(case: &Case<'_>, findings: &mut Findings) {
    let owners: HashMap<_, _> =
        case.evidence.photos.stored.iter().map(|photo| (photo.hash.as_str(), photo.product)).collect();
    for read in &case.evidence.photos.read {
        let Some(Served { tag, hash }) = &read.served else { continue };
        let owner = owners.get(hash.as_str());
        let right = tag == hash && owner.is_none_or(|owner| *owner == read.product);
        findings.check(right, || format!("of {owner:?}: {read:?}"));
    }
}

/// Who asks [`OLD`] after an upload was answered gets neither a photo of a lower revision nor none.
pub(super) fn not_old(case: &Case<'_>, findings: &mut Findings) {
    let (stored, old) = (&case.evidence.photos.stored, case.evidence.allowed(OLD));
    let revisions: HashMap<_, i64> =
        stored.iter().map(|photo| ((photo.product, photo.hash.as_str()), photo.revision)).collect();
    for read in &case.evidence.photos.read {
        let revision = read
            .served
            .as_ref()
            .map_or(Some(0), |served| revisions.get(&(read.product, served.hash.as_str())).copied());
        // an upload whose answer was lost has a hash that is not known here
        let Some(revision) = revision else { continue };
        let settled =
            stored.iter().filter(|photo| photo.product == read.product && photo.at + old <= read.asked);
        let newest = settled.map(|photo| photo.revision).max().unwrap_or_default();
        findings
            .check(revision >= newest, || format!("revision {revision} when {newest} was stored: {read:?}"));
    }
}
