"""The live screen: a model that knows nothing of Textual, and thin widgets over it."""
