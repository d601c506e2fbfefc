"""The results in the formats of other programs: R, CELLxGENE and Loupe Browser."""
