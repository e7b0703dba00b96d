# 退款。在真正完成之前，不称为已退款。

refund-approved =
    .title = 您的退款已获批准
    .text =
        我们将按原付款方式退还订单 { $order } 的 { $amount }。

        完成后我们会通知您。
    .alternative = 订单 { $order }：我们将按原付款方式退还 { $amount }，完成后会通知您。

refund-under-review =
    .title = 我们正在审核您的退款
    .text =
        您申请退还订单 { $order } 的 { $amount }，我们的工作人员正在审核。

        我们会将决定告知您。您无需任何操作。
    .alternative = 订单 { $order }：我们正在审核您 { $amount } 的退款，并会将决定告知您。

refund-sent =
    .title = 您的退款正在处理
    .text =
        支付机构正在处理订单 { $order } 的退款 { $amount }。

        完成后我们会通知您。
    .alternative = 订单 { $order }：支付机构正在处理 { $amount } 的退款，完成后我们会通知您。

refund-succeeded =
    .title = 您的退款已完成
    .text =
        订单 { $order } 的 { $amount } 已按原付款方式退还。

        银行可能需要几天才会显示。
    .alternative = 订单 { $order }：{ $amount } 已按原付款方式退还，银行可能需要几天才会显示。

refund-failed =
    .title = 您的退款未成功
    .text =
        订单 { $order } 的退款 { $amount } 未成功，款项没有到达您的账户。

        这笔款项仍属于您。我们正在寻找其他方式，并会与您联系。
    .alternative = 订单 { $order }：{ $amount } 的退款未成功。这笔款项仍属于您，我们正在寻找其他方式，并会与您联系。

refund-rejected =
    .title = 我们无法办理此退款
    .text =
        我们无法办理您为订单 { $order } 申请的退款。

        请与我们联系，我们会向您说明原因。
    .alternative = 订单 { $order }：我们无法办理您申请的退款。请与我们联系，我们会向您说明原因。

refund-rejected-amount =
    .title = 无法办理此退款：金额超过可退余额
    .text =
        您申请的退款超过订单 { $order } 付款的可退余额。

        请申请较小的金额，或与我们联系。
    .alternative = 订单 { $order }：您申请的退款超过可退余额。请申请较小的金额。

refund-rejected-nothing-paid =
    .title = 没有可退的款项
    .text =
        我们没有收到订单 { $order } 的款项，因此没有可退的款项。

        如果银行显示有冻结金额，银行会将其解冻。
    .alternative = 订单 { $order }：我们没有收到款项，因此没有可退的款项。如有冻结金额，银行会将其解冻。

refund-rejected-disputed =
    .title = 银行核查期间无法办理此退款
    .text =
        您的银行正在核查订单 { $order } 的付款。在银行作出决定之前，我们无法退还这笔款项。

        银行会将决定告知您。
    .alternative = 订单 { $order }：您的银行正在核查这笔付款。在银行作出决定之前，我们无法退还。

refund-rejected-window =
    .title = 申请退款的期限已过
    .text =
        订单 { $order } 申请退款的期限已过。

        如果您认为有误，请与我们联系。
    .alternative = 订单 { $order }：申请退款的期限已过。如果您认为有误，请与我们联系。
