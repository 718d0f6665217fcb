"""How good the sampling algorithms are and what a proposal costs, through the operator's code, beside Optuna's own study."""
