"""Drawing on matplotlib Axes, shared by the pages and ``scsiameseclu.pl``."""
