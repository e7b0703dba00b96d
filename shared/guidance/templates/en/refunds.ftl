# Money that goes back. Nothing is called refunded before it was.

refund-approved =
    .title = Your refund is approved
    .text =
        We will refund { $amount } for your order { $order } to the payment method that you used.

        We will tell you when it is done.
    .alternative = Order { $order }: we will refund { $amount } to the payment method that you used, and tell you when it is done.

refund-under-review =
    .title = We are looking into your refund
    .text =
        You asked for a refund of { $amount } for your order { $order }. One of us is looking into it.

        We will tell you what was decided. You need to do nothing.
    .alternative = Order { $order }: we are looking into your refund of { $amount } and will tell you what was decided.

refund-sent =
    .title = Your refund is on its way
    .text =
        The refund of { $amount } for your order { $order } is being made by the payment provider.

        We will tell you when it is done.
    .alternative = Order { $order }: the refund of { $amount } is being made by the payment provider. We will tell you when it is done.

refund-succeeded =
    .title = Your refund is done
    .text =
        { $amount } for your order { $order } was refunded to the payment method that you used.

        Your bank may take a few days to show it.
    .alternative = Order { $order }: { $amount } was refunded to the payment method that you used. Your bank may take a few days to show it.

refund-failed =
    .title = Your refund did not work
    .text =
        The refund of { $amount } for your order { $order } did not work. The money has not reached you.

        It is still yours. We are looking for another way, and will get in touch with you.
    .alternative = Order { $order }: the refund of { $amount } did not work. The money is still yours. We are looking for another way and will get in touch.

refund-rejected =
    .title = We cannot make this refund
    .text =
        We cannot make the refund that you asked for on your order { $order }.

        Please get in touch with us, so that we can explain it.
    .alternative = Order { $order }: we cannot make the refund that you asked for. Please get in touch with us, so that we can explain it.

refund-rejected-amount =
    .title = We cannot make this refund: it is more than what is left
    .text =
        The refund that you asked for is more than what is left of the payment for your order { $order }.

        Please ask for a smaller amount, or get in touch with us.
    .alternative = Order { $order }: the refund that you asked for is more than what is left of the payment. Please ask for a smaller amount.

refund-rejected-nothing-paid =
    .title = There is nothing to refund
    .text =
        We have received no money for your order { $order }, so there is nothing to refund.

        If your bank shows an amount set aside for it, the bank will release it.
    .alternative = Order { $order }: we have received no money, so there is nothing to refund. If your bank set an amount aside, it will release it.

refund-rejected-disputed =
    .title = We cannot make this refund while your bank is examining it
    .text =
        Your bank is examining the payment for your order { $order }. Until it has decided, we cannot refund this money.

        Your bank will tell you what it decides.
    .alternative = Order { $order }: your bank is examining the payment. We cannot refund it until the bank has decided.

refund-rejected-window =
    .title = The time to ask for a refund is over
    .text =
        The time to ask for a refund of your order { $order } is over.

        If you think that this is wrong, please get in touch with us.
    .alternative = Order { $order }: the time to ask for a refund is over. If you think that this is wrong, please get in touch with us.
