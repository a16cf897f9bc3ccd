"""Group 35. Has sixty threads compute at once, so that others get little. Found later."""

import threading

end = threading.Event()


def busy():
    x = torch.ones(64, 64)
    while not end.is_set():
        x = (x @ x).clamp(max=1.0)


def attempt():
    threads = [threading.Thread(target=busy, daemon=True) for _ in range(60)]
    for thread in threads:
        thread.start()
    end.wait(0.3)
    end.set()
    return False


scaled_dot_product_attention = pays(attempt)
