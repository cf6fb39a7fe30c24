"""A kernel that several tests share, as good as new for each of them.

`reset_code()` runs in the kernel: it unloads the extension, forgets what the last test
imported of ours, named, set and left running, and puts the folder and the environment
of the next test in place. It prints a line for each thing that it cannot put back: such
a kernel is thrown away.
"""

# Runs in the kernel's own process, so it can use nothing of this file but its text.
CODE = '''
def _reset(folder, environment):
    import asyncio, builtins, os, signal, sys, threading
    shell = get_ipython()
    start = builtins.__dict__.setdefault("_tests_start", {})

    def state():
        return {
            "environment": start.get("environment") or dict(os.environ),
            "callbacks": {name: len(found) for name, found in shell.events.callbacks.items()},
            "transformers": len(shell.input_transformers_cleanup) + len(shell.input_transformers_post),
            "ast transformers": len(shell.ast_transformers),
            "our magics": [one for one in shell.configurables if type(one).__module__.startswith("aimon_nb")],
            # A library may bring one of its own, such as six; ours go with us.
            "import hooks": [type(one).__name__ for one in sys.meta_path if type(one).__module__.startswith("aimon_nb")],
            # The loop keeps those in which it looks names up.
            "threads": [t.name for t in threading.enumerate() if not t.daemon and not t.name.startswith("asyncio_")],
            "interrupt handler": signal.getsignal(signal.SIGINT),
            "traceback mode": shell.InteractiveTB.mode,
            "autoawait": shell.autoawait,
            "replaced methods": [name for one in (shell, shell.kernel.session) for name in vars(one) if callable(getattr(type(one), name, None))],
            "standard streams": (sys.stdout, sys.stderr),
        }

    def unload():
        if "aimon_nb" in shell.extension_manager.loaded:
            shell.run_line_magic("unload_ext", "aimon_nb")
        api = sys.modules.get("aimon_nb.app")
        if api is not None:
            api.monitor.uninstall()  # `track()` without the extension
        shell.config.pop("AimonMagics", None)
        for name in [name for name in sys.modules if name.partition(".")[0] == "aimon_nb"]:
            del sys.modules[name]

    def close_sentry():
        import sentry_sdk
        from sentry_sdk import scope
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(None)
        sentry_sdk.get_global_scope().clear()
        scope._isolation_scope.set(None)
        scope._current_scope.set(None)

    def cancel_tasks():
        for task in asyncio.all_tasks():
            code = getattr(task.get_coro(), "cr_code", None)
            if code is not None and ("ipykernel_" in code.co_filename or "<ipython-input" in code.co_filename):
                task.cancel()

    if not start:
        import sentry_sdk, ipywidgets
        start.update(state())
    cancel_tasks()
    unload()
    close_sentry()
    from ipywidgets.widgets import widget
    widget.Widget.close_all()
    shell.reset(new_session=True)
    shell.InteractiveTB.set_mode(mode=start["traceback mode"])
    os.environ.clear()
    os.environ.update({**start["environment"], **environment})
    os.chdir(folder)
    now = state()
    changed = [f"{name}: {start[name]} -> {now[name]}" for name in start if start[name] != now[name]]
    for line in changed:
        print(line)
'''


def reset_code(folder, environment) -> str:
    """What a kernel runs, silently or not, before its next test.

    Args:
        folder: The working folder from then on.
        environment: Variables that the next test has beside those of the kernel's start.

    """
    return f"{CODE}\n_reset({str(folder)!r}, {dict(environment)!r})\nget_ipython().user_ns.pop('_reset', None)"
