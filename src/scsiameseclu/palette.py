"""Colours of clusters and of what is missing, shared by pages and deliverables."""

# Okabe and Ito's six colours that read on white and on black, and eighteen more, each chosen for
# the largest CIEDE2000 distance to those before it under normal vision and under simulated
# protanopia, deuteranopia and tritanopia (Machado 2009).
CATEGORIES = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#3D5C47", "#29E099"),
    *("#992970", "#AD0A00", "#EBB8CC", "#5285FF", "#C20052", "#5C0AF5", "#A35C7A", "#AD7052"),
    *("#CCA366", "#7AB899", "#CC00A3", "#006629", "#EB667A", "#475CFF", "#F570CC", "#52D6F5"),
)

ABSENT = "#9A9A9A"


def colour(position: int) -> str:
    """The colour of the category at ``position``; the list begins again after 24."""
    return CATEGORIES[position % len(CATEGORIES)]
