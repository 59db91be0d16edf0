//! Metrics of the order of scores: areas under the ROC curve and the precision-recall curve, exact and from histograms.
