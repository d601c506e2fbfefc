# Loads this folder in R: setwd("THIS FOLDER"); source("load.R")
# Makes counts (genes x cells), genes, cells and embeddings; with the packages SingleCellExperiment
# or SeuratObject also sce or seurat. Needs only the package Matrix.
library(Matrix)
read <- function(file) read.delim(file, row.names = 1, quote = "", check.names = FALSE, colClasses = "character", na.strings = character(0))
cells <- read("cells.tsv")
levels_of <- lapply(strsplit(readLines("categories.txt"), "\t"), function(line) setNames(list(line[-1]), line[1]))
levels_of <- do.call(c, levels_of)
for (name in names(cells)) cells[[name]] <- if (is.null(levels_of[[name]])) type.convert(cells[[name]], na.strings = "", as.is = TRUE) else factor(cells[[name]], levels_of[[name]])
genes <- as.data.frame(lapply(read("genes.tsv"), type.convert, na.strings = "", as.is = TRUE), row.names = rownames(read("genes.tsv")))
counts <- as(readMM(gzfile("matrix.mtx.gz")), "CsparseMatrix")
dimnames(counts) <- list(rownames(genes), rownames(cells))
files <- list.files("embeddings", full.names = TRUE)
embeddings <- setNames(lapply(files, function(file) { table <- as.matrix(read(file)); storage.mode(table) <- "double"; table }), sub("[.]tsv$", "", basename(files)))
if (requireNamespace("SingleCellExperiment", quietly = TRUE))
  sce <- SingleCellExperiment::SingleCellExperiment(list(counts = counts), rowData = genes, colData = cells, reducedDims = embeddings)
if (requireNamespace("SeuratObject", quietly = TRUE)) {
  # Seurat has no "_" in names of genes; A_B and A-B stay two genes
  renamed <- counts
  rownames(renamed) <- make.unique(gsub("_", "-", rownames(counts)))
  seurat <- SeuratObject::CreateSeuratObject(renamed, meta.data = cells)
  # a reduction with the name of a column of the cells could not be reached
  for (name in names(embeddings)) seurat[[if (name %in% names(cells)) paste0(name, "_embedding") else name]] <- SeuratObject::CreateDimReducObject(embeddings[[name]], key = paste0(gsub("[^A-Za-z0-9]", "", name), "_"), assay = "RNA")
  if ("siamese" %in% names(cells)) SeuratObject::Idents(seurat) <- "siamese"
}
