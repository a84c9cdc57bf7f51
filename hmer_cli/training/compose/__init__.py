"""New labelled ink from that of people: examples, symbol bank, recomposition, substitution."""
