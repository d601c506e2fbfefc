"""The biologist's table: clusters named, merged and split by hand, without training again."""
