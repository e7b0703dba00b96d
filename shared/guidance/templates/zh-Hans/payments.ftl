# 订单的付款。每个部分都单独说明全部内容，只用纯文本。

payment-reminder =
    .title = 请为您的订单支付 { $amount }
    .text =
        您的订单 { $order } 尚待支付 { $amount }。

        请在 { $expires_at } 之前付款，逾期订单将关闭。如果您刚刚已付款，则无需任何操作。{ $pay_link ->
            [none] { "" }
           *[other] { " " }付款链接：{ $pay_link }
        }{ $other_method ->
            [none] { "" }
            [card] { " " }您也可以用银行卡付款。
            [wallet] { " " }您也可以用电子钱包付款。
            [bank_transfer] { " " }您也可以用银行转账付款。
           *[other] { " " }您也可以用其他方式付款。
        }
    .alternative = 订单 { $order }：请在 { $expires_at } 之前支付 { $amount }。如果您刚刚已付款，则无需任何操作。{ $pay_link ->
            [none] { "" }
           *[other] { " " }付款链接：{ $pay_link }
        }{ $other_method ->
            [none] { "" }
            [card] { " " }您也可以用银行卡付款。
            [wallet] { " " }您也可以用电子钱包付款。
            [bank_transfer] { " " }您也可以用银行转账付款。
           *[other] { " " }您也可以用其他方式付款。
        }

payment-confirming =
    .title = 我们正在确认您的付款，请勿重复支付
    .text =
        我们正在确认您为订单 { $order } 支付的 { $amount }。

        请勿重复支付。一有结果，我们会立即通知您。
    .alternative = 订单 { $order }：正在确认您支付的 { $amount }，请勿重复支付。一有结果，我们会立即通知您。

payment-declined =
    .title = 您的付款未获批准
    .text =
        您的银行或支付机构未批准订单 { $order } 的付款。您未被扣款。

        您可以在 { $expires_at } 之前用其他付款方式支付 { $amount }。详情请咨询您的银行。
    .alternative = 订单 { $order }：付款未获批准，您未被扣款。您可以在 { $expires_at } 之前用其他付款方式支付 { $amount }。详情请咨询您的银行。

payment-declined-try-again =
    .title = 您的付款未成功，请重试
    .text =
        订单 { $order } 的付款未成功。您未被扣款。

        请重试。您可以在 { $expires_at } 之前用相同或其他付款方式支付 { $amount }。
    .alternative = 订单 { $order }：付款未成功，您未被扣款。请重试，您可以在 { $expires_at } 之前支付 { $amount }。

payment-declined-try-later =
    .title = 您的付款未成功，请稍后重试
    .text =
        由于暂时无法连接银行，订单 { $order } 的付款未成功。您未被扣款，您的卡没有问题。

        请过几分钟重试，或使用其他付款方式。您可以在 { $expires_at } 之前支付 { $amount }。
    .alternative = 订单 { $order }：暂时无法连接银行，您未被扣款。请过几分钟重试，您可以在 { $expires_at } 之前支付 { $amount }。

payment-declined-check-details =
    .title = 请核对您的付款信息
    .text =
        由于部分信息不符，订单 { $order } 的付款未获批准。您未被扣款。

        请核对卡号、有效期、安全码和地址后重试。您可以在 { $expires_at } 之前支付 { $amount }。
    .alternative = 订单 { $order }：付款未获批准。请核对卡号、有效期、安全码和地址。您可以在 { $expires_at } 之前支付 { $amount }。

payment-declined-check-funds =
    .title = 您的付款未获批准
    .text =
        由于余额或账户限额的原因，订单 { $order } 的付款未获批准。您未被扣款。

        请使用其他付款方式，或在款项可用后重试。您可以在 { $expires_at } 之前支付 { $amount }。
    .alternative = 订单 { $order }：由于余额或限额的原因，付款未获批准。您可以在 { $expires_at } 之前用此方式或其他方式支付 { $amount }。

payment-declined-confirm =
    .title = 请向您的银行确认付款
    .text =
        您的银行要求您确认订单 { $order } 的付款。您尚未被扣款。

        请重新付款，并在银行的应用中或按银行的要求确认。您可以在 { $expires_at } 之前支付 { $amount }。
    .alternative = 订单 { $order }：您的银行要求您确认付款。请在 { $expires_at } 之前重新支付 { $amount } 并向银行确认。

payment-declined-other-method =
    .title = 请使用其他付款方式
    .text =
        订单 { $order } 的付款未获批准，无法用此方式支付。您未被扣款。

        请使用其他付款方式。您可以在 { $expires_at } 之前支付 { $amount }。
    .alternative = 订单 { $order }：付款未获批准，您未被扣款。请在 { $expires_at } 之前用其他付款方式支付 { $amount }。

payment-partial =
    .title = 您的订单还需支付 { $amount }
    .text =
        我们已收到您为订单 { $order } 支付的 { $paid }，还需支付 { $amount }。

        请在 { $expires_at } 之前付清余款，否则订单将关闭，已付款项将退还给您。
    .alternative = 订单 { $order }：已收到 { $paid }。请在 { $expires_at } 之前支付余款 { $amount }，否则已付款项将退还给您。

payment-disputed =
    .title = 您的银行正在核查一笔付款
    .text =
        您的银行正在核查您为订单 { $order } 支付的 { $amount }。

        在银行作出决定之前，我们无法退还这笔款项。银行会将决定告知您。
    .alternative = 订单 { $order }：您的银行正在核查 { $amount } 的付款。在银行作出决定之前，我们无法退还这笔款项。

late-payment-refunded =
    .title = 您的付款到账过晚，将退还给您
    .text =
        您为订单 { $order } 支付的 { $amount } 在订单关闭之后才到账。

        我们正在按原付款方式退款，银行可能需要几天才会显示。您无需任何操作。
    .alternative = 订单 { $order }：您支付的 { $amount } 在订单关闭之后才到账。我们正在退款，您无需任何操作。

duplicate-payment-refunded =
    .title = 您支付了两次，其中一笔将退还给您
    .text =
        您的订单 { $order } 已付清之后，我们又收到了 { $amount }。

        您的订单不受影响。我们正在按原付款方式退还第二笔付款。您无需任何操作。
    .alternative = 订单 { $order }：付清之后又收到了 { $amount }，我们正在退还。您的订单不受影响，您无需任何操作。

overpayment-refunded =
    .title = 您多付了款，多付的部分将退还给您
    .text =
        您为订单 { $order } 多付了 { $amount }。

        您的订单不受影响。我们正在按原付款方式退还多付的部分。您无需任何操作。
    .alternative = 订单 { $order }：您多付了 { $amount }，我们正在退还。您的订单不受影响，您无需任何操作。
