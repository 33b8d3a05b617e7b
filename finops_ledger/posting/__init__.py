"""From rows to entries: what a version of a row posts, and the journal that says so."""
