//! Circles where a tree should be.

use std::collections::HashMap;

/// Finds every circle of a graph in which each node points to one other at most. `edges` are
/// walked in their order; each circle begins with its first node in that order.
pub(super) fn circles<'a>(edges: &[(&'a str, &'a str)]) -> Vec<Vec<&'a str>> {
    let next: HashMap<&str, &str> = edges.iter().copied().collect();
    // On which walk a node was met, and at which step.
    let mut met: HashMap<&str, (usize, usize)> = HashMap::new();
    let mut circles = Vec::new();
    for (walk, (start, _)) in edges.iter().enumerate() {
        let mut path = Vec::new();
        let mut node = *start;
        loop {
            match met.get(node) {
                Some((this, step)) if *this == walk => circles.push(path.split_off(*step)),
                Some(_) => {}
                None => {
                    met.insert(node, (walk, path.len()));
                    path.push(node);
                    if let Some(after) = next.get(node) {
                        node = after;
                        continue;
                    }
                }
            }
            break;
        }
    }
    circles
}

/// `A → B → C → A`, from the member at `from` on, shortened in the middle when it is long: only what
/// is shown is looked at, for each member of a circle of many thousands has such a drawing.
pub(super) fn drawn(circle: &[&str], from: usize) -> String {
    const SHOWN: usize = 8;
    let (before, after) = circle.split_at(from.min(circle.len()));
    let mut round: Vec<&str> = after.iter().chain(before).copied().take(SHOWN).collect();
    if circle.len() > SHOWN {
        round.push("…");
    }
    round.extend(after.first());
    round.join(" → ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tree_has_no_circle() {
        assert!(circles(&[("b", "a"), ("c", "a"), ("d", "c")]).is_empty());
    }

    #[test]
    fn every_circle_is_found_once_and_who_leads_into_it_is_no_part_of_it() {
        let edges = [
            ("x", "b"),
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("d", "e"),
            ("e", "d"),
        ];
        assert_eq!(circles(&edges), [vec!["b", "c", "a"], vec!["d", "e"]]);
        assert_eq!(drawn(&["b", "c", "a"], 2), "a → b → c → a");
    }

    #[test]
    fn a_long_circle_is_shortened() {
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(
            drawn(&names, 98),
            "98 → 99 → 0 → 1 → 2 → 3 → 4 → 5 → … → 98"
        );
    }

    /// Were the whole circle looked at for each of them, this test would not come to an end.
    #[test]
    fn a_circle_of_a_million_is_drawn_for_each_of_its_members() {
        let names: Vec<String> = (0..1_000_000).map(|n| n.to_string()).collect();
        let around = names.iter().skip(1).chain(names.first());
        let edges: Vec<(&str, &str)> = names
            .iter()
            .zip(around)
            .map(|(from, to)| (from.as_str(), to.as_str()))
            .collect();
        let found = circles(&edges);
        assert_eq!(found.len(), 1);
        let drawings = (0..names.len()).map(|member| drawn(&found[0], member));
        assert!(
            drawings
                .zip(&names)
                .all(|(drawing, name)| drawing.starts_with(name))
        );
    }

    proptest! {
        #[test]
        fn whoever_comes_back_to_himself_is_in_a_circle(targets in prop::collection::vec(0_usize..12, 12)) {
            let names: Vec<String> = (0..12).map(|n| n.to_string()).collect();
            let edges: Vec<(&str, &str)> = targets
                .iter()
                .enumerate()
                .map(|(from, to)| (names[from].as_str(), names[*to].as_str()))
                .collect();
            let found: std::collections::BTreeSet<&str> = circles(&edges).into_iter().flatten().collect();
            for (start, name) in names.iter().enumerate() {
                let mut node = targets[start];
                let mut returns = node == start;
                for _ in 0..12 {
                    node = targets[node];
                    returns |= node == start;
                }
                prop_assert_eq!(found.contains(name.as_str()), returns);
            }
        }
    }
}
