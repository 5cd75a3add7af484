//! The hash tree of RFC 6962, section 2.1, over leaves that are only ever added.

use crate::Hash;

/// The roots of the largest perfect trees that the leaves make, the largest first: enough to add
/// leaves and to tell the root. There are as many as the number of leaves has ones in binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peaks {
    size: u64,
    peaks: Vec<Hash>,
}

impl Peaks {
    /// As they were kept; `None` when they cannot be those of so many leaves.
    pub(crate) fn kept(size: u64, bytes: &[u8]) -> Option<Self> {
        let (peaks, rest) = bytes.as_chunks::<32>();
        let fits =
            rest.is_empty() && u64::try_from(peaks.len()).ok()? == u64::from(size.count_ones());
        fits.then(|| Self {
            size,
            peaks: peaks.iter().map(|it| Hash(*it)).collect(),
        })
    }

    /// As they are kept.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.peaks.iter().flat_map(|it| it.0).collect()
    }

    /// How many leaves there are.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub(crate) fn add(&mut self, leaf: &[u8]) {
        let mut hash = Hash::of(&[&[0], leaf]);
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(left, hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root over all leaves; that of none is the hash of nothing.
    pub(crate) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Hash::of(&[]),
            Some(last) => peaks.fold(*last, |right, left| node(*left, right)),
        }
    }
}

fn node(left: Hash, right: Hash) -> Hash {
    Hash::of(&[&[1], &left.0, &right.0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the RFC says it: the largest power of two smaller than the number splits the leaves.
    fn head(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Hash::of(&[]),
            [leaf] => Hash::of(&[&[0], leaf]),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(head(&leaves[..split]), head(&leaves[split..]))
            }
        }
    }

    fn peaks_of(leaves: &[Vec<u8>]) -> Peaks {
        let mut peaks = Peaks::default();
        for leaf in leaves {
            peaks.add(leaf);
        }
        peaks
    }

    /// The leaves and roots of the tests of Certificate Transparency's own implementation.
    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut peaks = Peaks::default();
        assert_eq!(peaks.root().to_string(), roots[0]);
        for (leaf, root) in leaves.iter().zip(&roots[1..]) {
            peaks.add(leaf);
            assert_eq!(peaks.root().to_string(), *root, "{}", peaks.size());
        }
    }

    proptest! {
        #[test]
        fn leaves_that_are_added_make_the_tree_of_the_rfc(
            leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..70),
            cut in any::<prop::sample::Index>(),
        ) {
            let peaks = peaks_of(&leaves);
            prop_assert_eq!(peaks.root(), head(&leaves));
            // Kept half-way and gone on with, it is the same.
            let cut = cut.index(leaves.len() + 1);
            let before = peaks_of(&leaves[..cut]);
            let mut again = Peaks::kept(before.size(), &before.to_bytes()).unwrap();
            for leaf in &leaves[cut..] {
                again.add(leaf);
            }
            prop_assert_eq!(again, peaks);
        }

        #[test]
        fn another_leaf_makes_another_root(
            leaves in prop::collection::vec(any::<[u8; 4]>().prop_map(Vec::from), 1..40),
            place in any::<prop::sample::Index>(),
            new in any::<[u8; 4]>(),
        ) {
            let mut changed = leaves.clone();
            changed[place.index(leaves.len())] = new.to_vec();
            prop_assert_eq!(
                peaks_of(&changed).root() == peaks_of(&leaves).root(), changed == leaves);
            prop_assert_ne!(peaks_of(&leaves[1..]).root(), peaks_of(&leaves).root());
        }
    }
}
