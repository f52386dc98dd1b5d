"""What an element offers, as data: the place where the two vocabularies meet."""
