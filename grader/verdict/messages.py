"""What is said to learners of their submissions: every sentence by name, in both languages.

A ``{placeholder}`` is filled in where the sentence is said, with `Text.format`; it may tell how a number is written.
"""

from __future__ import annotations

from grader.text import Text

# A submission that is not run.

NOT_ATTEMPTED = Text(
    "This is still the notebook as it was handed out. Write your solution where it says YOUR CODE HERE, then check it.",
    "这还是发下来的原样。请在 YOUR CODE HERE 处写下你的解答，然后检查。",
)
SYNTAX_ERROR = Text(
    "The code has a syntax error in line {line} of its cell: {error}: {code}",
    "代码在其单元的第 {line} 行有语法错误：{error}：{code}",
)
CANNOT_BE_PARSED = Text("The code cannot be parsed.", "代码无法解析。")

# What happened while the cells were run, to be said behind a place: "Cell 1, line 1: there is no matplotlib here".

STUB_PASSED_OVER = Text(
    "the stub, as it was handed out, stands below your answer and would undo it, so it was passed over",
    "发下来的原样代码写在你的解答之后，会使解答失效，因此被跳过",
)
NO_LIBRARY_HERE = Text("there is no {library} here", "这里没有 {library}")
STOPPED_WAITING = Text("it was stopped: it waits for something that does not come", "已被中止：它在等待不会到来的东西")
STOPPED_COMPUTING = Text("it was stopped: it computes for too long", "已被中止：计算时间过长")
ASSERTION_FAILS = Text("an assertion fails", "断言失败：")
ASSERTION_FAILS_SAYING = Text("an assertion fails: {said}", "断言失败：「{said}」")
ENDS_THE_PROGRAM = Text("it ends the program", "它结束了程序")
ASKS_FOR_INPUT = Text("it asks for input, and nobody is there to answer", "它要求输入，而这里无人回答")
NOT_PYTHON = Text("it is not Python: {said}", "不是合法的 Python：「{said}」")
TOO_MUCH_MEMORY = Text("it uses too much memory", "它占用内存过多")
RAISES = Text("it raises {type}", "它抛出了 {type}")
RAISES_SAYING = Text("it raises {type}: {said}", "它抛出了 {type}：「{said}」")
CELL_NEVER_ENDS = Text("this cell never ends and was left out", "这个单元不会结束，被跳过")
CELL_WAITS = Text("this cell waits, cannot be interrupted and was left out", "这个单元一直在等待，被跳过")
CELL_USES_TOO_MUCH_MEMORY = Text("this cell uses too much memory and was left out", "这个单元占用内存过多，被跳过")
CELL_ENDS_THE_PROCESS = Text("this cell ends the process and was left out", "这个单元结束了进程，被跳过")
SO_IT_IS_NOT_DEFINED = Text("{what}; so `{name}` is not defined.", "{what}；因此 `{name}` 没有定义。")

# A call without an answer.

CALL_TOOK_LONGER = Text(
    "The call took longer than {seconds:g} s of computing, and was stopped.",
    "调用的计算时间超过了 {seconds:g} 秒，已被中止。",
)
RUNNING_TOOK_LONGER = Text(
    "Running the submission took longer than it may, and was stopped.", "运行这份提交的时间超过了上限，已被中止。"
)
TOO_DEAR_TO_JUDGE = Text(
    "It takes too long to compare what your functions return; return what was asked for, and nothing more.",
    "比较你的函数的返回值耗时过长；请只返回题目要求的内容。",
)
CALL_WAITS = Text(
    "The call waits for something that does not come, and was stopped.", "调用一直在等待不会到来的东西，已被中止。"
)
CALL_ENDED_THE_PROCESS = Text(
    "The call ended the process (an exit, a signal, or a crash).", "调用结束了整个进程（退出、信号或崩溃）。"
)
CALL_USED_TOO_MUCH_MEMORY = Text("The call used more memory than is allowed.", "调用使用的内存超过了上限。")
CALL_NOT_RUN = Text(
    "Not run: too many calls before this one had already hung or crashed.", "未运行：之前已有太多调用超时或崩溃。"
)
NOT_WRITTEN = Text("`{target}` is not written yet.", "`{target}` 还没有写。")
NO_TARGET = Text(
    "There is no `{target}` in the submission; keep the name that the notebook gives.",
    "提交中没有 `{target}`；请保留笔记本里给出的名字。",
)
NO_LIBRARY = Text(
    "There is no `{library}` here, and `{target}` needs it: write that step with PyTorch.",
    "这里没有 `{library}`，而 `{target}` 需要它：请用 PyTorch 写出这一步。",
)
TARGET_RAISED = Text("`{target}` raised {type}: {said}", "`{target}` 抛出了 {type}：「{said}」")
TARGET_RAISED_AT = Text(
    "`{target}` raised {type}: {said} (line {line})", "`{target}` 抛出了 {type}：「{said}」（第 {line} 行）"
)
CALLED_WITH = Text("{said}; it was called with {arguments}.", "{said}；调用时的参数为 {arguments}。")
LAYERS_MISSING = Text(
    "`{target}` has not the layers asked for: {missing} are missing, and {others} are not asked for.",
    "`{target}` 的层与要求不符：缺少 {missing}，多出 {others}。",
)
NONE_OF_THEM = Text("none", "无")
RAISES_ANOTHER = Text(
    "`{target}` should raise {type} here ({reason}); it raises {other}.",
    "`{target}` 在这里（{reason}）应当抛出 {type}，抛出的却是 {other}。",
)
SHOULD_RAISE = Text(
    "`{target}` should raise {type} here ({reason}), and does not.",
    "`{target}` 在这里（{reason}）应当抛出 {type}，但没有。",
)

# A wrong answer.

WRONG_STRUCTURE = Text("{name} should be {right}; it is {mine}.", "{name} 应当是 {right}，实际是 {mine}。")
WRONG_SHAPE = Text(
    "{name} has shape {mine}; {right} is asked for.",
    "{name} 的形状是 {mine}，要求的是 {right}。",
)
WRONG_WORDS = Text("{place}: {mine}, where right is {right}.", "{place}：「{mine}」，正确的是「{right}」。")
WRONG_VALUE = Text("{place} is {mine} where {right} is expected.", "{place} 是 {mine}，应为 {right}。")
NOT_FINITE = Text("What comes back holds NaN or infinity.", "返回值中有 NaN 或无穷。")
NOT_THE_FORM = Text("What comes back has not the form asked for.", "返回值的形式不符合要求。")

# What wrong numbers look like; `detectors.py` sees it.

SOME_ARE_NAN = Text("{wrong} of {entries} entries are NaN.", "{entries} 个元素中有 {wrong} 个是 NaN。")
ATTENDS_TO_HIDDEN = Text(
    "Query {query} attends to key {key}, which it may not see.", "查询 {query} 关注到了它不该看到的键 {key}。"
)
COLUMNS_SUM_TO_1 = Text(
    "Columns sum to 1 and rows do not: the softmax runs over the queries.",
    "列之和为 1 而行之和不是：softmax 沿查询方向做了。",
)
ROWS_DO_NOT_SUM_TO_1 = Text(
    "Rows do not sum to 1 (one of them to {worst:.4g}).", "各行之和不为 1（其中一行为 {worst:.4g}）。"
)
SCORES_MULTIPLIED = Text(
    "The weights are those of scores multiplied by {factor:.4g}.", "权重相当于把得分乘以 {factor:.4g} 之后得到的。"
)
WITHOUT_EFFECT = Text(
    "This is the right answer without `{name}`, which has no effect here.",
    "这正是不给 `{name}` 时的正确答案：它在这里没有起作用。",
)
OTHER_ORDER = Text(
    "It is right after `.permute({order})`: its axes stand in another order.",
    "再做一次 `.permute({order})` 就对了：各个维度的顺序不对。",
)
PARTLY_RIGHT = Text(
    "Along axis {axis}, position {right} is right and {wrong} is wrong.",
    "沿第 {axis} 维，位置 {right} 正确，位置 {wrong} 不正确。",
)
ERROR_GROWS = Text(
    "The error grows along axis {axis}, from {first:.2g} to {last:.2g}.",
    "误差沿第 {axis} 维越来越大，从 {first:.2g} 到 {last:.2g}。",
)
ALL_MULTIPLIED = Text("Every entry is {factor:.4g} times what it should be.", "每个元素都是应有值的 {factor:.4g} 倍。")

# Wrong in how the answer was made.

WRONG_DTYPE = Text(
    "The result is {found}: outputs keep the inputs' dtype and device.",
    "结果是 {found}：输出应保持输入的 dtype 和设备。",
)
BACKPROPAGATION_FAILS = Text("Backpropagation fails: {said}", "反向传播失败：「{said}」")
NO_GRADIENT = Text(
    "No gradient reaches {name}: something on the way is detached.", "没有梯度到达 {name}：中间有一步被 detach 了。"
)
GRADIENT_IS_NAN = Text("The gradient of {name} contains NaN.", "{name} 的梯度含有 NaN。")
WRONG_GRADIENT = Text("The gradient of {name} is wrong.", "{name} 的梯度不对。")
WRONG_GRADIENT_OF_NORM = Text(
    "The gradient of {name} is wrong (norm {mine}, expected {right}).",
    "{name} 的梯度不对（范数为 {mine}，应为 {right}）。",
)
CHANGES_INPUT = Text(
    "The call changes its input in place ({names}); work on a copy.", "调用原地修改了输入（{names}）；请在副本上操作。"
)
OF_AN_EARLIER_CALL = Text(
    "Called again with other numbers, it gives the answer of the earlier call: something is kept between calls "
    "(a cache, an attribute, a buffer). Compute it from what is passed in.",
    "换一组数再次调用，得到的却是上一次调用的答案：有东西在两次调用之间被保留了（缓存、属性或 buffer）。"
    "请根据传入的参数重新计算。",
)
OTHERWISE_AFTER_ANOTHER_CALL = Text(
    "Right when called alone, wrong after another call: something of that call is kept (a cache, an attribute, a "
    "buffer).",
    "单独调用时正确，在另一次调用之后就错了：那次调用的某些东西被保留了下来（缓存、属性或 buffer）。",
)
OTHERWISE_AFTER_TRAINING = Text(
    "In evaluation mode, it answers otherwise after a call in training mode than before.",
    "在评估模式下，经过一次训练模式的调用之后，答案与之前不同。",
)
DIFFERS_IN_TRAINING = Text(
    "In training mode its answer differs from that in evaluation mode, though nothing is dropped out here.",
    "这里没有 dropout，训练模式下的答案却与评估模式下不同。",
)
DROPS_NOTHING = Text(
    "In training mode nothing is dropped out: its answers are those of evaluation mode.",
    "训练模式下没有任何元素被丢弃：答案与评估模式相同。",
)
DROPS_NOT_AFTER_EVALUATION = Text(
    "After one call in evaluation mode, dropout is off in training mode too: let it follow `self.training`.",
    "在评估模式下调用一次之后，训练模式下的 dropout 也失效了：请让它取决于 `self.training`。",
)
DROPS_NOT_WITHOUT_GRADIENTS = Text(
    "Under `no_grad`, dropout is off in training mode: let it follow `self.training`, not whether gradients are on.",
    "在 `no_grad` 下，训练模式的 dropout 失效了：它应取决于 `self.training`，而不是是否计算梯度。",
)
ASKED_WHEN_RIGHT = Text("Looked at once the answer in “{name}” is right.", "“{name}”的答案正确之后才会检查这一项。")
SEEDS_BY_ITSELF = Text(
    "What is drawn after a call no longer depends on the seed that was set before it: leave the global seed alone.",
    "调用之后抽取的随机数不再取决于调用前设定的种子：请不要改动全局种子。",
)
STATE_CHANGES_NAMES = Text(
    "A call changes which names `state_dict()` has: register parameters and buffers in `__init__`.",
    "调用一次之后，`state_dict()` 中的名字变了：参数和 buffer 应在 `__init__` 中注册。",
)
RIGHT_BUT_NOT = Text("Right in the cases before, but not {where}: {what}", "前面的用例都对，但{where}就不对了：{what}")
FIRST_ALONE = Text("when the first item of the batch comes alone", "批次中的第一项单独输入时")
LAST_ALONE = Text("when the last item of the batch comes alone", "批次中的最后一项单独输入时")
IN_REVERSE = Text("when the batch is in reverse order", "批次顺序颠倒时")
STRIDED = Text("when no tensor is contiguous in memory", "输入张量在内存中都不连续时")
WITH_SIZES = Text("with the sizes {sizes}", "尺寸为 {sizes} 时")
BUILT_IN_OTHER_SIZES = Text("when the module is built in other sizes", "模块以其他尺寸构造时")
TRAINING_WITHOUT_DROPOUT = Text("in training mode without dropout", "在没有 dropout 的训练模式下")
IN_FLOAT64 = Text("after the module was moved to float64", "模块转换为 float64 之后")
IT_RAISES = Text("it raises {said}", "抛出「{said}」")
DEVICES_MEET = Text(
    "With the inputs on a GPU, it fails: a tensor made by `{made_by}` stays on the CPU. Make it where the inputs are: "
    "`device=q.device`, or `register_buffer` in a module.",
    "输入在 GPU 上时会出错：由 `{made_by}` 得到的张量仍在 CPU 上。请在输入所在的设备上创建它："
    "`device=q.device`，或在模块中使用 `register_buffer`。",
)
LARGE_VALUES = Text(
    "Where `{name}` is 30 times as large, the answer holds infinity or NaN.",
    "`{name}` 放大到 30 倍时，答案中出现了无穷大或 NaN。",
)
LARGE_GRADIENTS = Text(
    "Where `{name}` is 30 times as large, gradients hold infinity or NaN, though the answer is finite: a branch that "
    "is not taken (`torch.where`, a masked division) still has a gradient.",
    "`{name}` 放大到 30 倍时，答案是有限的，梯度中却出现了无穷大或 NaN："
    "没有被选中的分支（`torch.where`、被掩码的除法）仍然有梯度。",
)
NOT_REPEATABLE = Text("The same input gives another output the second time.", "同样的输入第二次调用得到了不同的输出。")
FORBIDDEN_CALLED = Text(
    "{names} is called: this exercise asks you to write that operation yourself.",
    "调用了 {names}：本题要求自己实现这个操作。",
)
FORBIDDEN_USED = Text(
    "`{name}` is used in line {line}: this exercise asks you to write that operation yourself.",
    "第 {line} 行使用了 `{name}`：本题要求自己实现这个操作。",
)
FORBIDDEN_IMPORTED = Text(
    "`{package}` is imported: this exercise does without it.", "导入了 `{package}`：本题不使用它。"
)
TOO_LARGE = Text(
    "A tensor of {made} elements is made on the way; at most {most} are allowed.",
    "中间产生了一个含 {made} 个元素的张量；最多允许 {most} 个。",
)

# The checks that every exercise has; the others are named by the reasons of cases.

CALLED_AS_SPECIFIED = Text("called and answers as specified", "调用方式与返回形式符合要求")
SHAPES = Text("shapes", "形状")
DTYPE_AND_DEVICE = Text("dtype and device", "dtype 与设备")
GRADIENTS = Text("gradients, by value", "梯度的数值")
OTHERWISE = Text("in other sizes and orders", "换成其他尺寸和顺序")
LEFT_ALONE = Text("inputs left alone, same input same output", "不改动输入，相同输入得到相同输出")
INTERMEDIATES = Text("size of intermediates", "中间结果的大小")
BY_HAND = Text("written by hand", "自己实现")

# Kinds of values, to be said within a sentence.

A_TENSOR = Text("a tensor of shape {shape}", "形状为 {shape} 的张量")
A_TUPLE = Text("a tuple of {count}", "含 {count} 项的元组")
A_LIST = Text("a list of {count}", "含 {count} 项的列表")
OF_TYPE = Text("of type {type}", "{type} 类型的值")
RESULT = Text("result", "返回值")
INSTEAD_OF = Text("{mine} instead of {right}", "{mine} 而不是 {right}")
ON_DEVICE = Text("on {device}", "在 {device} 上")

# Around these.

GOOD = Text("as it should be", "正确")
HALF_AT_MOST = Text(
    "The exercise is about this: without it, half of the points is the most.",
    "这正是本题要考的：做不到这一点，最多得一半分。",
)
NOTHING_TO_SEE = Text(
    "This cannot be seen yet: no call gave an answer of the right form.", "还看不出来：没有一次调用给出形式正确的答案。"
)
AS_ABOVE = Text("As in “{name}”.", "同“{name}”。")
NEEDS_THE_REST = Text(
    "This is looked at, and counts, once everything else is answered rightly.",
    "其余各项都答对之后，才会检查这一项并计分。",
)
TWO_SENTENCES = Text("{first} {second}", "{first} {second}")
IN_CASE = Text("{said} (Case: {reason}.)", "{said}（用例：{reason}。）")
