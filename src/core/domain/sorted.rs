//! Short lists in ascending order. Sorting a whole list would add 10 KB to the module for each type of item.

/// Inserts the item in its place, unless the list has it.
pub fn insert<T: Ord>(list: &mut Vec<T>, item: T) {
    if let Err(place) = list.binary_search(&item) {
        list.insert(place, item);
    }
}
