"""How good the sampling algorithms are and what a proposal costs, by the operator's code, beside Optuna's own."""
