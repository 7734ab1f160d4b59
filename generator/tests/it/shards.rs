//! Several generators share one catalogue.

use std::collections::BTreeSet;

use schema::ProductId;

use crate::helpers::{Generator, Topic};

fn touched(shard: &str) -> BTreeSet<ProductId> {
    let topic = Topic::new();
    Generator::run(&topic, &["--products", "100", "--rate", "max", "--count", "1000", "--shard", shard]);
    topic.gapless_versions().into_keys().collect()
}

#[test]
fn two_shards_never_touch_the_same_product() {
    let (first, second) = (touched("0/2"), touched("1/2"));
    assert!(first.is_disjoint(&second));
    assert_eq!(first.len() + second.len(), 100);
}

#[test]
fn a_shard_starts_while_another_one_is_writing() {
    let topic = Topic::new();
    let common = ["--products", "40", "--rate", "200"];
    let first = Generator::start(&topic, &[&common[..], &["--shard", "0/2"]].concat());
    first.wait_for_word("catalogue ready");
    Generator::run(&topic, &[&common[..], &["--shard", "1/2", "--count", "200"]].concat());
    first.signal("-TERM");
    assert_eq!(first.end().code, Some(0));
    assert_eq!(topic.gapless_versions().len(), 40);
}
