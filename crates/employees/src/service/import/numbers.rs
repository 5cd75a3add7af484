//! Numbers for people who come without one.

use std::collections::HashSet;

use database::TenantTx;

use super::{ImportError, Imports};
use crate::{
    import::{CheckedDraft, ImportRepository},
    model::EmployeeNumber,
    repository::{CounterRepository, Series},
};

impl<S> Imports<S>
where
    S: ImportRepository + CounterRepository,
{
    /// Draws numbers for those who have none, in transactions of their own: the series is locked
    /// for as long as a transaction that drew from it runs.
    pub(super) async fn draw_numbers(
        &self,
        tx: &TenantTx,
        draft: &CheckedDraft,
    ) -> Result<Vec<EmployeeNumber>, ImportError> {
        let tenant = tx.tenant();
        let of_series: Vec<i64> = draft.numbers().filter_map(in_series).collect();
        if !of_series.is_empty() {
            let leaf = self.database.begin_leaf(tenant).await?;
            let last = self.storage.last(&leaf, Series::Employees).await?;
            let carried = carried(last, of_series);
            self.storage
                .raise(&leaf, Series::Employees, carried)
                .await?;
            leaf.commit().await?;
        }
        let wanted = draft.unnumbered();
        let mut drawn = Vec::with_capacity(wanted);
        for doubled in 0..DRAWS {
            let missing = wanted.saturating_sub(drawn.len());
            if missing == 0 {
                break;
            }
            // Numbers that were given by hand may lie ahead, thousands in a row: look at twice as
            // many each time.
            let count = u32::try_from(missing).unwrap_or(u32::MAX).max(1 << doubled);
            let leaf = self.database.begin_leaf(tenant).await?;
            let first = self
                .storage
                .draw_many(&leaf, Series::Employees, count)
                .await?;
            leaf.commit().await?;
            let mut numbers: Vec<EmployeeNumber> = (first..first.saturating_add(count.into()))
                .map(|number| EmployeeNumber::stored(number.to_string()))
                .filter(|number| !draft.gives(number))
                .collect();
            let taken = self.storage.taken(tx, &numbers).await?;
            let taken: HashSet<EmployeeNumber> = taken.into_iter().collect();
            numbers.retain(|number| !taken.contains(number));
            drawn.extend(numbers);
        }
        Ok(drawn)
    }
}

/// How often numbers are drawn for those who have none.
const DRAWS: u32 = 24;

/// How far beyond a series the next number may lie for the series to go on from it.
const STRIDE: i64 = 100_000;

/// How far the numbers that an import gives carry the series: from one to the next, as long as none
/// is far ahead. One that is (another system's, or a slip of the finger) moves nothing; the series
/// passes over it, should it ever come that far.
fn carried(last: i64, mut given: Vec<i64>) -> i64 {
    given.sort_unstable();
    given.into_iter().fold(last, |last, next| {
        if next.saturating_sub(last) <= STRIDE {
            last.max(next)
        } else {
            last
        }
    })
}

/// A number that may be one of the tenant's series: digits alone.
fn in_series(number: &EmployeeNumber) -> Option<i64> {
    let text = number.as_str();
    let plain = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_numbers_carry_the_series_as_far_as_they_follow_each_other() {
        assert_eq!(carried(1_000, vec![]), 1_000);
        assert_eq!(carried(1_000, vec![7, 42]), 1_000);
        assert_eq!(carried(1_000, vec![4_001, 4_060, 4_002]), 4_060);
        assert_eq!(carried(1_000, vec![999_999_999]), 1_000);
        assert_eq!(carried(1_000, vec![999_999_999, 4_001]), 4_001);
        assert_eq!(carried(1_000, vec![101_000, 201_000, 301_001]), 201_000);
    }
}
