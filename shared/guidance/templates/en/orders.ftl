# What becomes of an order. Every part says all of it by itself, in plain text.

order-paid =
    .title = Your order is paid
    .text =
        Thank you. We have received { $amount } for your order { $order }.

        The order is paid in full.
    .alternative = Order { $order }: we have received { $amount }. The order is paid in full. Thank you.

order-reinstated =
    .title = Your order is open again and paid
    .text =
        Your order { $order } had been closed because its time to pay was over. Your payment of { $amount } was made in time, so the order is open again.

        It is paid in full. You need to do nothing.
    .alternative = Order { $order }: your payment of { $amount } was made in time. The order is open again and paid in full. You need to do nothing.

order-expired =
    .title = Your order was closed because it was not paid in time
    .text =
        We did not receive { $amount } for your order { $order } by { $expires_at }, so we have closed it.

        Please do not pay for it any more; a payment that still arrives is refunded. You are welcome to order again.
    .alternative = Order { $order }: closed, because { $amount } was not paid by { $expires_at }. Please do not pay any more; a payment that still arrives is refunded.

order-cancelled =
    .title = Your order was cancelled
    .text =
        Your order { $order } was cancelled.

        Please do not pay for it any more. What was already paid goes back to the payment method that was used.
    .alternative = Order { $order }: cancelled. Please do not pay for it any more. What was already paid goes back to the payment method that was used.

order-on-hold =
    .title = Your order is on hold while we confirm a payment
    .text =
        We are checking a payment for your order { $order }. Until we are done, the order is on hold.

        Please do not pay again. We will tell you as soon as we know more.
    .alternative = Order { $order }: on hold while we check a payment. Please do not pay again. We will tell you as soon as we know more.
