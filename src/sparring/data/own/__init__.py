"""Data in the user's own memory: tensors, arrays, pictures, data sets of other libraries."""
