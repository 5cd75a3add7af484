//! The chain of a tenant: each link holds the hash of a record and of the link before it.

use uuid::Uuid;

use crate::Hash;

/// What every first link follows: no tenant's chain can be taken for another's.
pub(crate) fn origin(tenant: Uuid) -> Hash {
    Hash::of(&[b"hrms audit chain v1\0", tenant.as_bytes()])
}

/// The link of a record after another link: SHA-256(0x01 ‖ previous ‖ record).
pub(crate) fn link(previous: Hash, record: Hash) -> Hash {
    Hash::of(&[&[1], &previous.0, &record.0])
}

/// What the first seal of a tenant follows.
pub(crate) fn first_seal(tenant: Uuid) -> Hash {
    Hash::of(&[b"hrms audit seals v1\0", tenant.as_bytes()])
}

/// What the first checkpoint follows.
pub(crate) fn first_checkpoint() -> Hash {
    Hash::of(&[b"hrms audit checkpoints v1\0"])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(tenant: u128, records: &[[u8; 32]]) -> Hash {
        let start = origin(Uuid::from_u128(tenant));
        records
            .iter()
            .fold(start, |previous, it| link(previous, Hash(*it)))
    }

    proptest! {
        /// Whatever is changed, taken out, put in or moved, the end of the chain is another.
        #[test]
        fn the_head_of_a_chain_is_that_of_its_records_in_their_order_alone(
            records in prop::collection::vec(any::<[u8; 32]>(), 2..20),
            place in any::<prop::sample::Index>(),
            other in any::<prop::sample::Index>(),
            new in any::<[u8; 32]>(),
        ) {
            let (place, other) = (place.index(records.len()), other.index(records.len()));
            let head_of = |records: &[[u8; 32]]| head(1, records);
            let right = head_of(&records);
            let mut changed = records.clone();
            changed[place] = new;
            prop_assert_eq!(head_of(&changed) == right, changed == records);
            let mut shorter = records.clone();
            shorter.remove(place);
            prop_assert_ne!(head_of(&shorter), right);
            let mut longer = records.clone();
            longer.insert(place, new);
            prop_assert_ne!(head_of(&longer), right);
            let mut swapped = records.clone();
            swapped.swap(place, other);
            prop_assert_eq!(head_of(&swapped) == right, swapped == records);
            prop_assert_ne!(head(2, &records), right);
        }
    }
}
