"""The pages: one for each sample, one for the cohort, and the content that MultiQC shows."""
