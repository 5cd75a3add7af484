//! Lists: what they are asked, and a page at a time, by keyset.

mod query;
mod scalar;

pub use query::{
    Condition, ExtraParameter, ListFault, ListField, ListQuery, ListSpec, Position, Shown, SortKey,
};
pub use scalar::{Kind, Operator, Scalar};

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// How many items a page may hold: 1 to 200, 25 when nothing is said (HTTP contract, "Lists").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The greatest page.
    pub const MAX: u16 = 200;
    /// As many as a page may hold.
    pub const LARGEST: Self = Self(Self::MAX);

    /// A page of this size; `None` outside 1 to 200.
    pub fn new(items: u16) -> Option<Self> {
        (1..=Self::MAX).contains(&items).then_some(Self(items))
    }

    /// The number of items.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(25)
    }
}

/// Which page of a list is wanted. `K` is where the page before ended: the sort keys of its last
/// item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest<K> {
    /// How many items.
    pub limit: Limit,
    /// The last item of the page before; `None` for the first page.
    pub after: Option<K>,
    /// Whether to count the whole list, which costs a scan of it.
    pub count: bool,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; `None` when this is the last one.
    pub next: Option<K>,
    /// How many items the whole list has, if that was asked.
    pub total: Option<u64>,
}

impl<T, K> Page<T, K> {
    /// Makes a page of rows that were fetched with one more than the limit: the surplus row says
    /// that there is a next page.
    pub fn of_surplus(
        mut items: Vec<T>,
        limit: Limit,
        total: Option<u64>,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let more = items.len() > usize::from(limit.get());
        items.truncate(usize::from(limit.get()));
        let next = if more { items.last().map(key) } else { None };
        Self { items, next, total }
    }

    /// The same page of something else.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U, K> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            next: self.next,
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_1_to_200_items() {
        assert!(Limit::new(0).is_none() && Limit::new(201).is_none());
        assert_eq!(Limit::new(200).map(Limit::get), Some(200));
        assert_eq!(Limit::default().get(), 25);
    }

    #[test]
    fn a_surplus_row_says_that_there_is_a_next_page() {
        let limit = Limit::new(2).unwrap();
        let page = Page::of_surplus(vec![1, 2, 3], limit, None, |n| *n);
        assert_eq!((page.items, page.next), (vec![1, 2], Some(2)));
        let last = Page::of_surplus(vec![1, 2], limit, None, |n| *n);
        assert_eq!(last.next, None);
    }
}
