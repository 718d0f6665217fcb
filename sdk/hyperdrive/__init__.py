"""Report a training script's metrics to HyperDrive.

    from hyperdrive import parameters, report, should_stop

    for epoch in range(100):
        loss = train(parameters()["learning-rate"])
        report(loss=loss, step=epoch)
        if should_stop():
            break

Outside of a trial nothing happens. No call here waits for the network, and none raises.
"""

from .script import configure, flush, parameters, report, should_stop

__version__ = "0.1.0"
__all__ = ["configure", "flush", "parameters", "report", "should_stop"]
