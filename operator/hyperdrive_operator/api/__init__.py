"""What users write: the models, their names, and the schema made from them."""
