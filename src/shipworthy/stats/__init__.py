"""Pure numbers: bounds, intervals and sizing from counts and sums; knows no product word."""
