# 争议，面向商家。

dispute-opened =
    .title = 客户对 { $amount } 提出争议：需要证据
    .text =
        客户就订单 { $order } 的 { $amount } 向银行提出争议。

        请在 { $evidence_due_at } 之前提交证据，否则争议很可能作出对您不利的裁定。请勿退还有争议的款项，否则会重复退款。
    .alternative = 订单 { $order }：{ $amount } 存在争议。请在 { $evidence_due_at } 之前提交证据，请勿退还有争议的款项。

dispute-opened-no-response =
    .title = 客户对 { $amount } 提出争议
    .text =
        客户就订单 { $order } 的 { $amount } 向银行提出争议。

        此类争议无法答复。请勿退还有争议的款项，否则会重复退款。
    .alternative = 订单 { $order }：{ $amount } 存在争议。此类争议无法答复。请勿退还有争议的款项。

dispute-deadline-near =
    .title = { $amount } 争议的证据即将到期
    .text =
        订单 { $order } 的 { $amount } 争议的证据须在 { $evidence_due_at } 之前提交，还剩 { $hours_left } 小时。

        逾期提交的内容不予考虑。
    .alternative = 订单 { $order }：{ $amount } 争议的证据须在 { $evidence_due_at } 之前提交，还剩 { $hours_left } 小时。

dispute-escalated =
    .title = { $amount } 的争议已升级
    .text =
        订单 { $order } 的 { $amount } 争议已转交上一级处理。

        请立即处理。
    .alternative = 订单 { $order }：{ $amount } 的争议已转交上一级处理。请立即处理。

dispute-won =
    .title = 争议的裁定对您有利
    .text =
        订单 { $order } 的争议裁定对您有利。

        { $amount } 将退回给您。
    .alternative = 订单 { $order }：争议的裁定对您有利，{ $amount } 将退回给您。

dispute-lost =
    .title = 争议的裁定对客户有利
    .text =
        订单 { $order } 的争议裁定对客户有利。

        { $amount } 归客户所有。
    .alternative = 订单 { $order }：争议的裁定对客户有利，{ $amount } 归客户所有。
