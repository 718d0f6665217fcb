"""The node: runs a pod's containers as processes of this machine.

Nothing is imported here: the reaper is started often and must start fast.
"""
