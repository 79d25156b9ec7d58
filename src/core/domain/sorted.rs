//! Short lists in ascending order. Sorting a whole list would be 10 KB of the module for each kind of item.

/// Puts the item where it belongs, unless it is there.
pub fn insert<T: Ord>(list: &mut Vec<T>, item: T) {
    if let Err(place) = list.binary_search(&item) {
        list.insert(place, item);
    }
}
