import marimo

__generated_with = "0.14.10"
app = marimo.App()


@app.cell
def _():
    import torch

    return (torch,)


@app.cell
def _(torch):
    def weighted_sum(inputs, weights):
        return (inputs * weights[..., None]).sum(dim=1)

    return (weighted_sum,)


if __name__ == "__main__":
    app.run()
