# 订单的进展。每个部分都单独说明全部内容，只用纯文本。

order-paid =
    .title = 您的订单已付款
    .text =
        谢谢。我们已收到您为订单 { $order } 支付的 { $amount }。

        订单已全额付清。
    .alternative = 订单 { $order }：已收到 { $amount }，订单已全额付清。谢谢。

order-reinstated =
    .title = 您的订单已恢复并付清
    .text =
        您的订单 { $order } 曾因付款期限已过而关闭。您支付的 { $amount } 是按时付款的，因此订单已恢复。

        订单已全额付清。您无需任何操作。
    .alternative = 订单 { $order }：您按时支付了 { $amount }，订单已恢复并全额付清。您无需任何操作。

order-expired =
    .title = 您的订单因未按时付款已关闭
    .text =
        在 { $expires_at } 之前，我们没有收到订单 { $order } 的 { $amount }，因此订单已关闭。

        请勿再付款；之后到账的款项将退还给您。欢迎您重新下单。
    .alternative = 订单 { $order }：因在 { $expires_at } 之前未支付 { $amount } 已关闭。请勿再付款；之后到账的款项将退还给您。

order-cancelled =
    .title = 您的订单已取消
    .text =
        您的订单 { $order } 已取消。

        请勿再付款。已支付的款项将按原付款方式退还。
    .alternative = 订单 { $order }：已取消，请勿再付款。已支付的款项将按原付款方式退还。

order-on-hold =
    .title = 您的订单已暂停，我们正在确认付款
    .text =
        我们正在核对订单 { $order } 的一笔付款。核对完成之前，订单暂停处理。

        请勿重复支付。一有结果，我们会立即通知您。
    .alternative = 订单 { $order }：正在核对一笔付款，订单暂停处理。请勿重复支付。一有结果，我们会立即通知您。
