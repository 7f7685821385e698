"""Own actions: from a folder of labelled clips to weights, and a page that judges them."""
