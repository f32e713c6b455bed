"""What nbval leaves out when it compares a chapter with its stored outputs."""


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):
        # The errors that the checks measured: their digit depends on the processor. Everything else is compared.
        collector.skip_compare += ("application/vnd.lrmath.measured+json",)
