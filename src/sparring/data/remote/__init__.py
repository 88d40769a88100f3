"""Files from elsewhere: which ones a data set needs and how they are checked, and where they can be fetched from."""
