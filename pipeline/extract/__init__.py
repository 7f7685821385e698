"""From labelled clips to a data set: skeletons of the people whom each clip is about."""
