"""The commands' help in Chinese. What the library itself says (``Usage:``, ``Options:``) stays English."""

from __future__ import annotations

from typing import Any

ABOUT = "注意力工作坊：关于注意力机制的习题，以及会指出具体错误的评分程序。单独运行 `attn` 会显示进度和下一题。"
COMMANDS = {
    "start": "建立工作区：一个属于你自己的、包含全部习题的文件夹。再次运行：加入新习题，不改动你的作答。",
    "list": "按课程顺序列出习题：状态、得分、分钟、难度、标题。",
    "next": "显示接下来做什么：你最近在做的那道，或剩下的第一道习题。",
    "check": "为你对某道习题的作答评分，指出错误，并记录下来。\n\n评分完成时退出码为 0（与得分无关）；无法评分时为 1。",
    "hint": "给出下一个提示；最后一个提示之后，可以查看参考解答。",
    "discuss": "显示讨论，然后是面试官的追问及其回答。",
    "solution": "显示参考解答。会先询问，并记录你看过。",
    "reset": "重新开始一道习题；你的文件会保留一份带日期的副本。",
    "progress": "显示你的进度：课程地图、用时、连续天数、反复出现的错误。",
    "watch": "每次保存文件时评分，并说明有什么变化。按 Ctrl-C 结束。",
    "interview": "进行一场面试：按时间抽题，一个干净的笔记本，计时，追问，成绩单。\n\n"
    "进行期间，其中的题没有提示，也不能检查。在终端里按回车交卷；在别处，或按 Ctrl-C 之后，用 --hand-in 交卷。",
    "review": "列出今天该重做的：做错的、放弃的、快要忘记的；并重新开始第一道。\n\n原来的作答保存在 kept/ 中。"
    "在管道中，加 --yes 才会重新开始；否则只列出。",
    "grade": "为提交评分，并指出每份提交犯了哪种错误。\n\n全部评分完成时退出码为 0（与得分无关）；有无法评分的（状态为 "
    "invalid）或低于 --fail-under 时为 1；请求无法执行时为 2。",
    "build": "由 solutions/ 生成发给学习者的笔记本，写入 exercises/。\n\n--sources 生成 nbgrader 的源笔记本；--keys "
    "生成答案数据。",
    "demo": "为演示班级评分：课程 demo/class 中的十一份提交。",
    "diff": "显示两次评分之间有哪些报告不同。",
    "doctor": "显示这台机器能做什么：沙箱各层、设备、版本；以及缺少的该怎么办。",
    "verify": "证明课程可靠：空白得 0 分，参考解答得满分，每个已知错误都被发现并正确命名。",
}
PARAMETERS = {
    "": {
        "lang": "消息所用的语言；默认取 ATTN_LANG，其次取系统区域设置。",
        "version": "显示版本并结束。",
        "exercise": "习题的 id。",
        "yes": "不询问。",
        "json_file": "写出 JSON；- 表示标准输出。",
        "device": "提交在哪个设备上运行。",
        "help": "显示此帮助并结束。",
        "install_completion": "为当前的 shell 安装补全。",
        "show_completion": "显示当前 shell 的补全脚本，以便复制或修改。",
    },
    "start": {"folder": "文件夹；不写时为 attention-workshop。", "scripts": "习题为 .py 文件，供编辑器使用。"},
    "hint": {"number": "已经看过的某个提示；默认是下一个。"},
    "progress": {"export": "把关于你的全部记录写成 JSON。", "delete": "删除关于你的全部记录。"},
    "interview": {
        "minutes": "时长（分钟）。",
        "topic": "主题：作业、标签，或标题中的词。",
        "level": "题目难度。",
        "hand_in": "交卷。",
    },
    "grade": {
        "paths": "笔记本、.py 文件，或它们所在的文件夹；在工作区中也可以是习题的 id。",
        "exercise": "文件名无法说明时，指定习题。",
        "json_file": "写出 JSON 报告；- 表示标准输出。",
        "fail_under": "有得分低于该百分比时，退出码为 1。",
        "require_sandbox": "缺少任何一层沙箱时拒绝运行；或完全不用沙箱（仅限你自己的代码）。默认使用系统具备的每一层；"
        "为文件夹评分时要求全部具备。",
    },
    "build": {
        "exercises": "习题或作业；不写时为全部。",
        "sources": "把 nbgrader 的源笔记本（含解答）写入此文件夹。",
        "keys": "提前把评分所需的答案数据写入 keys/。",
        "device": "与 --keys 一起使用：评分所用的设备。",
    },
    "diff": {"old": "`attn grade --json` 写出的一份 JSON 报告。", "new": "同样的提交的另一份报告。"},
    "verify": {
        "exercises": "习题；不写时为全部。",
        "docs": "把结果写入这个 Markdown 文件。",
        "mutants": "改为给参考答案的变异体评分，并列出未被发现的。",
        "all_mutants": "与 --mutants 同用：全部变异体，而不是抽样。",
    },
}


def put_on(group: Any) -> None:
    """Give a group of commands its help in Chinese, as far as it is written."""
    group.help = ABOUT
    for name, command in {"": group, **group.commands}.items():
        command.help = COMMANDS.get(name, command.help)
        own = PARAMETERS.get(name, {})
        for parameter in command.params:
            parameter.help = own.get(parameter.name) or PARAMETERS[""].get(parameter.name) or parameter.help
